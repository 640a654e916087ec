package webhook

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"
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

	begun atomic.Bool // a connection was found: from here on the other side may hear of the message
}

// answer is what the other side said. Its words go nowhere but into the few
// fields that are read from them.
type answer struct {
	status     int
	retryAfter time.Duration
	body       []byte // the beginning of it, if it could be read
}

func (a answer) taken() bool { return a.status/100 == 2 }

// silence is a request without an answer.
type silence struct {
	begun bool // the other side may have the message
	err   error
}

func (s *silence) Error() string { return "no answer: " + s.err.Error() }

// Unwrap returns what the transport said.
func (s *silence) Unwrap() error { return s.err }

// post makes the request. Its error is *silence once there was a request to make.
func (c *call) post(ctx context.Context) (answer, error) {
	req, err := http.NewRequestWithContext(c.traced(ctx), http.MethodPost, c.url, bytes.NewReader(c.body))
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "otpipe")
	c.secrets.sign(req.Header, c.id, c.at, c.body)
	res, err := c.client().Do(req)
	if err != nil {
		return answer{}, &silence{begun: c.begun.Load(), err: err}
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // the status says enough
	return answer{res.StatusCode, retryAfter(res.Header), body}, nil
}

// traced notes whether the request had a connection. The transport looks for a
// second one only if it has seen that the message did not leave on the first.
//
// The request never carries an Idempotency-Key, which net/http would take for
// leave to send it again when a connection breaks.
func (c *call) traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { c.begun.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { c.begun.Store(true) },
	})
}

// client is the given one, cured of following redirects.
func (c *call) client() *http.Client {
	h := *cmp.Or(c.http, http.DefaultClient)
	h.CheckRedirect = stay
	return &h
}

// retryAfter is the header of that name, in seconds or as a date; the date
// counts from the answer's own, so that no two clocks are compared.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if s, err := strconv.Atoi(value); err == nil {
		return time.Duration(max(0, min(s, int(maxPause/time.Second)))) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, min(until.Sub(now), maxPause))
}
