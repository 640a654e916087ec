package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/vendorhttp"
)

// api says which api is asked, and with which key.
type api struct {
	URL string `name:"url" env:"OTPIPE_URL" placeholder:"URL" help:"Where the api is, such as https://otp.internal:8080."`
	Key string `name:"key" env:"OTPIPE_KEY" placeholder:"otk_…" help:"The API key. Others on this host can see a command line: better by the variable."`
}

const (
	apiPatience = 10 * time.Second
	maxAnswer   = 4 << 20 // bytes
)

// problem is an answer that is no success (RFC 9457).
type problem struct {
	Status     int
	Code       string
	Detail     string
	Errors     []struct{ Pointer, Detail string }
	RetryAfter int    `json:"retry_after"`
	RequestID  string `json:"request_id"`
}

// ask makes a request, of which body may be nil, and reads the answer into into.
func (a api) ask(ctx context.Context, method, path string, body, into any) error {
	req, err := a.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: apiPatience, CheckRedirect: vendorhttp.Stay}
	res, err := client.Do(req)
	if err != nil {
		return ending{app.ExitUnavailable, fmt.Errorf("the api does not answer: %w\nsee that --url or OTPIPE_URL is right, and that it runs", cause(err))}
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return ending{app.ExitUnavailable, errors.New("the api's answer broke off")}
	}
	if res.StatusCode/100 != 2 {
		return refusal(res.StatusCode, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return ending{app.ExitUnavailable, errors.New("what answers at --url is no api of otpipe")}
	}
	return nil
}

func (a api) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	u, err := url.Parse(a.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, ending{app.ExitUsage, errors.New("--url: say where the api is, such as https://otp.internal:8080 (or by OTPIPE_URL)")}
	}
	if a.Key == "" {
		return nil, ending{app.ExitUsage, errors.New("--key: say with which API key, best by OTPIPE_KEY; otpctl apikey new makes one")}
	}
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("write request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(a.URL, "/")+path, bytes.NewReader(text))
	if err != nil {
		return nil, ending{app.ExitUsage, errors.New("--url: this is none")}
	}
	req.Header.Set("Authorization", "Bearer "+a.Key)
	req.Header.Set("User-Agent", "otpctl")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// cause is what the network said, without the URL, which may hold a password.
func cause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// refusal says what the api does not do, what to do about it, and with which code
// otpctl ends.
func refusal(status int, text []byte) error {
	var p problem
	_ = json.Unmarshal(text, &p)
	if p.Code == "" {
		return ending{app.ExitUnavailable, fmt.Errorf("status %d, which is no answer of an api of otpipe: see where --url leads", status)}
	}
	words := []string{p.Detail}
	for _, e := range p.Errors {
		words = append(words, e.Pointer+": "+e.Detail)
	}
	if p.RetryAfter > 0 {
		words = append(words, "try again in "+app.Short(time.Duration(p.RetryAfter)*time.Second))
	}
	if do := hints[p.Code]; do != "" {
		words = append(words, do)
	}
	code, special := codes[p.Code]
	if !special {
		code = app.ExitFailure
	}
	return ending{code, fmt.Errorf("%s: %s [request %s]", p.Code, strings.Join(words, "\n  "), p.RequestID)}
}

// codes are the exit codes of problems; of all others it is 1.
var codes = map[string]int{
	"invalid_request": app.ExitUsage, "invalid_recipient": app.ExitUsage, "channel_not_allowed": app.ExitUsage,
	"namespace_not_found": app.ExitUsage, "provider_not_found": app.ExitUsage,
	"unauthenticated": app.ExitConfig, "insufficient_scope": app.ExitConfig, "namespace_not_allowed": app.ExitConfig,
	"store_unavailable": app.ExitUnavailable,
}

// hints say what to do about a problem beyond its own words.
var hints = map[string]string{
	"unauthenticated":       "the api knows no such key: see OTPIPE_KEY, and the [[callers]] it was started with",
	"insufficient_scope":    "give the key the scope in its [[callers]], or use another",
	"namespace_not_allowed": "use a key that is for all namespaces, or for this one",
	"provider_not_found":    "otpctl provider list names all",
	"recipient_locked":      "otpctl unlock lets the recipient try again",
}
