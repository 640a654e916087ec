package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/doctor"
	"github.com/otpipe/otpipe/internal/vendorhttp"
)

const day = 24 * time.Hour

// answers is an api as somebody outside sees it.
func answers(document, receipts http.HandlerFunc) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/openapi.json", document)
	mux.HandleFunc("/v1/receipts/twilio", receipts)
	return mux
}

func ours(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"info":{"title":"otpipe"}}`)
}

func refused(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusMethodNotAllowed)
	_, _ = io.WriteString(w, `{"code":"method_not_allowed"}`)
}

// certified serves with a certificate of a name and a life, and returns a client that
// trusts who signed it.
func certified(t *testing.T, h http.Handler, name string, left time.Duration) (url string, client *http.Client) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	paper := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-100 * day), NotAfter: time.Now().Add(left),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, paper, paper, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(signed)
	return s.URL, &http.Client{
		CheckRedirect: vendorhttp.Stay,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "otp.example.com"}},
	}
}

func TestAPublicURLIsSeenAsVendorsSeeIt(t *testing.T) {
	t.Parallel()
	good := answers(ours, refused)
	for name, c := range map[string]struct {
		api     http.Handler
		host    string
		left    time.Duration
		later   time.Duration // of this host's clock
		strange bool          // nobody knows who signed
		grade   doctor.Grade
		says    string
	}{
		"all is well":                {api: good, left: 90*day + time.Hour, grade: doctor.OK, says: "good for 90 days more"},
		"it is handed on":            {api: good, left: 90 * day, grade: doctor.OK, says: "hands receipts on to our api"},
		"it soon ends":               {api: good, left: 20*day + time.Hour, grade: doctor.Warn, says: "good for 20 days more"},
		"it has ended":               {api: good, left: -time.Hour, grade: doctor.Fail, says: "its certificate has expired"},
		"nobody knows who signed it": {api: good, left: 90 * day, strange: true, grade: doctor.Fail, says: "is not to be trusted"},
		"it is another's":            {api: good, host: "www.example.com", left: 90 * day, grade: doctor.Fail, says: "is for another name"},
		"a clock is wrong":           {api: good, left: 90 * day, later: time.Hour, grade: doctor.Warn, says: "clock and this host's are 1h0m"},
		"another service":            {api: http.NotFoundHandler(), left: 90 * day, grade: doctor.Fail, says: "answers 404, and not as our api does"},
		"a page for people":          {api: answers(page, refused), left: 90 * day, grade: doctor.Fail, says: "answers 200, and not as our api does"},
		"it leads elsewhere":         {api: http.RedirectHandler("/moved", http.StatusMovedPermanently), left: 90 * day, grade: doctor.Fail, says: "answers 301"},
		"a firewall keeps receipts":  {api: answers(ours, http.NotFound), left: 90 * day, grade: doctor.Fail, says: "/v1/receipts/twilio answers 404"},
		"a login keeps receipts":     {api: answers(ours, page), left: 90 * day, grade: doctor.Fail, says: "/v1/receipts/twilio answers 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := "otp.example.com"
			if c.host != "" {
				host = c.host
			}
			url, client := certified(t, c.api, host, c.left)
			if c.strange {
				client.Transport.(*http.Transport).TLSClientConfig.RootCAs = x509.NewCertPool()
			}
			public := doctor.Public{URL: url, Title: "otpipe", Provider: "twilio", HTTP: client, Now: func() time.Time { return time.Now().Add(c.later) }}
			found := doctor.Examine(t.Context(), []doctor.Check{public.Check()}, 10*time.Second)
			if !says(found, c.grade, c.says) {
				t.Errorf("it says %+v", found)
			}
		})
	}
}

func page(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>sign in</html>") }

func says(found []doctor.Finding, grade doctor.Grade, words string) bool {
	for _, f := range found {
		if f.About == "public url" && f.Grade == grade && strings.Contains(f.Says, words) {
			return true
		}
	}
	return false
}

func TestAPublicURLWithoutTLSIsTold(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(answers(ours, refused))
	t.Cleanup(s.Close)
	public := doctor.Public{URL: s.URL, Title: "otpipe", HTTP: s.Client(), Now: time.Now}
	found := doctor.Examine(t.Context(), []doctor.Check{public.Check()}, 10*time.Second)
	if !says(found, doctor.Warn, "without TLS") || !says(found, doctor.OK, "reaches our api") {
		t.Errorf("it says %+v", found)
	}
}

func TestACheckThatDoesNotEndIsLeft(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	t.Cleanup(func() { close(stuck) })
	found := doctor.Examine(t.Context(), []doctor.Check{
		{About: "stuck", Look: func(context.Context) []doctor.Finding { <-stuck; return nil }},
		{About: "quick", Look: func(context.Context) []doctor.Finding { return []doctor.Finding{{Grade: doctor.OK, Says: "is there"}} }},
	}, time.Millisecond)
	if len(found) != 2 || found[0].About != "stuck" || !strings.Contains(found[0].Says, "no answer within") || found[1].Says != "is there" || doctor.Worst(found) != doctor.Fail {
		t.Errorf("it says %+v", found)
	}
}
