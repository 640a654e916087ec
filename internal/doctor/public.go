package doctor

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxDocument is how many bytes of an answer are read.
const maxDocument = 4 << 20

const (
	// skew is how far two clocks may be apart before it is told. An HTTP date has
	// whole seconds.
	skew = 5 * time.Second
	// waning is how long before its end a certificate is told of.
	waning = 21 * 24 * time.Hour
)

// Public is how providers reach the api from outside.
type Public struct {
	URL      string       // without a slash at its end
	Title    string       // of our OpenAPI document
	Provider string       // that reports there; "" if none does
	HTTP     *http.Client // follows no redirect: vendors do not either
	Now      func() time.Time
}

// Check asks for what only our api answers as it does.
func (p Public) Check() Check { return Check{About: "public url", Look: p.look} }

func (p Public) look(ctx context.Context) (all []Finding) {
	res, body, err := p.get(ctx, "/openapi.json") //nolint:bodyclose // get has read and closed it
	if err != nil {
		return []Finding{unreachable(err)}
	}
	var doc struct{ Info struct{ Title string } }
	if res.StatusCode != http.StatusOK || json.Unmarshal(body, &doc) != nil || doc.Info.Title != p.Title {
		return []Finding{{
			Grade: Fail, Says: fmt.Sprintf("/openapi.json answers %d, and not as our api does", res.StatusCode),
			Do: "see where api.public_url leads: it must reach the api with its path unchanged",
		}}
	}
	all = append(all, Finding{Grade: OK, Says: "reaches our api"})
	all = append(all, p.receipts(ctx)...)
	return append(all, p.clockAndCertificate(res)...)
}

// get asks for a page. Its errors quote no URL.
func (p Public) get(ctx context.Context, path string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+path, http.NoBody)
	if err != nil {
		return nil, nil, errors.New("not a URL")
	}
	req.Header.Set("User-Agent", "otpctl")
	res, err := p.HTTP.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxDocument))
	return res, body, err
}

// unreachable says why there is no answer.
func unreachable(err error) Finding {
	f := Finding{Grade: Fail, Says: "no answer", Do: "see that the name leads to the api or its load balancer, and that this host may connect to it"}
	var unknown x509.UnknownAuthorityError
	var expired x509.CertificateInvalidError
	var named x509.HostnameError
	switch {
	case errors.As(err, &expired) && expired.Reason == x509.Expired:
		f.Says, f.Do = "its certificate has expired", "renew it"
	case errors.As(err, &unknown), errors.As(err, &expired):
		f.Says, f.Do = "its certificate is not to be trusted", "vendors will not either: have it signed by an authority that everybody knows"
	case errors.As(err, &named):
		f.Says, f.Do = "its certificate is for another name", "have one made for the host of api.public_url"
	case errors.Is(err, context.DeadlineExceeded):
		f.Says = "no answer in time"
	}
	return f
}

// receipts asks for where a provider reports, by GET, which our api refuses in its
// own words: what stands before it hands the path on.
func (p Public) receipts(ctx context.Context) []Finding {
	if p.Provider == "" {
		return nil
	}
	res, body, err := p.get(ctx, "/v1/receipts/"+p.Provider) //nolint:bodyclose // get has read and closed it
	if err != nil {
		return []Finding{unreachable(err)}
	}
	var problem struct{ Code string }
	_ = json.Unmarshal(body, &problem)
	if res.StatusCode == http.StatusMethodNotAllowed && problem.Code == "method_not_allowed" {
		return []Finding{{Grade: OK, Says: "hands receipts on to our api"}}
	}
	return []Finding{{
		Grade: Fail, Says: fmt.Sprintf("/v1/receipts/%s answers %d, and not as our api does", p.Provider, res.StatusCode),
		Do: "let whatever stands before the api hand POST /v1/receipts/… on",
	}}
}

// clockAndCertificate looks at what came with an answer.
func (p Public) clockAndCertificate(res *http.Response) (all []Finding) {
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		if off := p.Now().Sub(date).Abs(); off > skew {
			all = append(all, Finding{Grade: Warn, Says: "its clock and this host's are " + off.Round(time.Second).String() + " apart", Do: "have both follow NTP: signatures and certificates are compared with the time"})
		}
	}
	if res.TLS == nil {
		if strings.HasPrefix(p.URL, "http:") {
			all = append(all, Finding{Grade: Warn, Says: "is without TLS: numbers in receipts travel in clear", Do: "put TLS before the api, and https into api.public_url"})
		}
		return all
	}
	left := res.TLS.PeerCertificates[0].NotAfter.Sub(p.Now())
	f := Finding{Grade: OK, Says: fmt.Sprintf("its certificate is good for %d days more", int(left.Hours()/24))}
	if left < waning {
		f.Grade, f.Do = Warn, "see why it was not renewed"
	}
	return append(all, f)
}
