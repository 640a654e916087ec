package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/otpipe/otpipe/internal/vendorhttp"
)

const (
	maxAnswer = 64 << 10       // bytes read of an answer, and of its headers
	maxPause  = 24 * time.Hour // believed of a Retry-After
)

// call is one POST of a signed message.
type call struct {
	url     string
	secrets Secrets
	http    *http.Client
	id      string
	at      time.Time
	body    []byte

	vendorhttp.Call
}

// answer is what the other side said. Its words go nowhere but into the few
// fields that are read from them.
type answer struct {
	status     int
	retryAfter time.Duration
	body       []byte // the beginning of it, if it could be read
}

func (a answer) taken() bool { return a.status/100 == 2 }

// post makes the request. Its error is *vendorhttp.Silence once there was a request to make.
func (c *call) post(ctx context.Context) (answer, error) {
	req, err := http.NewRequestWithContext(c.Trace(ctx), http.MethodPost, c.url, bytes.NewReader(c.body))
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "otpipe")
	c.secrets.sign(req.Header, c.id, c.at, c.body)
	res, err := c.Do(c.http, req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // the status says enough
	return answer{res.StatusCode, vendorhttp.RetryAfter(res.Header, maxPause), body}, nil
}
