package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/twilio/twilio-go/client"

	"github.com/otpipe/otpipe/internal/vendorhttp"
)

const (
	maxAnswer = 1 << 20   // bytes read of an answer
	maxPause  = time.Hour // believed of a Retry-After
)

// call is the client.BaseClient of one Send. twilio-go takes no context, so
// each Send brings its own; and its stock client leaks the body of every error,
// loses the headers and takes a redirect for success, so this one does not.
type call struct {
	ctx      context.Context
	provider Provider
	vendorhttp.Call
	taken   bool // the answer was in the 200s
	created bool // it was 201: the resource exists, whatever becomes of the rest of the answer
}

var _ client.BaseClient = (*call)(nil)

// AccountSid is the account in the path of the request.
func (c *call) AccountSid() string { return c.provider.AccountSID }

// SetTimeout does nothing: the deadline is the context's.
func (c *call) SetTimeout(time.Duration) {}

// SetOauth does nothing: the account has a password.
func (c *call) SetOauth(client.OAuth) {}

// OAuth is none.
func (c *call) OAuth() client.OAuth { return nil }

// SendRequest makes the request and returns an answer in the 200s with its body
// read. All else is an error: *refusal or *vendorhttp.Silence once the request was made.
func (c *call) SendRequest(method, rawURL string, data url.Values, headers map[string]any, _ ...byte) (*http.Response, error) {
	req, err := c.request(method, rawURL, data, headers)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	res, err := c.Do(c.provider.HTTP, req)
	if err != nil {
		return nil, err
	}
	wire := res.Body
	defer func() { _ = wire.Close() }()
	body, err := io.ReadAll(io.LimitReader(wire, maxAnswer))
	c.created = res.StatusCode == http.StatusCreated
	if c.taken = res.StatusCode/100 == 2; !c.taken {
		return nil, newRefusal(res, body)
	}
	if err != nil {
		return nil, &vendorhttp.Silence{Begun: true, Err: err}
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// baseURL is where the provider's API lives. A region is never without an edge:
// Twilio has retired the host names that had no edge.
func (p Provider) baseURL() string {
	switch {
	case p.BaseURL != "":
		return p.BaseURL
	case p.Region != "":
		return "https://api." + p.Edge + "." + p.Region + ".twilio.com"
	default:
		return "https://api.twilio.com"
	}
}

// request makes the request against the provider's own base URL, whatever host
// twilio-go made of its constant and of TWILIO_EDGE and TWILIO_REGION.
//
// It never carries an Idempotency-Key: Twilio knows none, but net/http would
// take it for leave to send the message again when a connection breaks.
func (c *call) request(method, rawURL string, data url.Values, headers map[string]any) (*http.Request, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	target := strings.TrimRight(c.provider.baseURL(), "/") + u.EscapedPath()
	req, err := http.NewRequestWithContext(c.Trace(c.ctx), method, target, strings.NewReader(data.Encode()))
	if err != nil {
		return nil, err
	}
	for name, value := range headers {
		req.Header.Set(name, fmt.Sprint(value))
	}
	req.Header.Set("User-Agent", "otpipe twilio-go/"+client.LibraryVersion)
	req.SetBasicAuth(c.provider.Username, c.provider.Password)
	return req, nil
}

// refusal is an answer outside the 200s. Twilio's message is left out: it quotes
// the number, and the code leads to a page that says more.
type refusal struct {
	status     int
	code       int // Twilio's; 0 if the answer has none
	retryAfter time.Duration
}

func (r *refusal) Error() string { return fmt.Sprintf("status %d, code %d", r.status, r.code) }

// newRefusal reads Twilio's JSON. A load balancer answers in HTML: then the
// status is all there is.
func newRefusal(res *http.Response, body []byte) *refusal {
	var said struct {
		Code int `json:"code"`
	}
	_ = json.Unmarshal(body, &said)
	return &refusal{status: res.StatusCode, code: said.Code, retryAfter: vendorhttp.RetryAfter(res.Header, maxPause)}
}
