// Package vendorhttp is what hand-overs by HTTP have in common, whoever the
// vendor is: a request is made once, it is known whether the other side may have
// heard of it, and no answer is read without end. It knows no vendor. It runs in
// the worker.
package vendorhttp

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// Call is one request. The zero value is one that has not begun.
//
// A request never carries an Idempotency-Key, which net/http would take for
// leave to send it again when a connection breaks.
type Call struct{ begun atomic.Bool }

// Trace is ctx for the request, which notes whether it had a connection: from
// then on the other side may hear of it. The hook that tells of the written headers
// would be more exact, but it runs beside the call and may come after the call has
// given up. The transport looks for a second connection only if it has seen that
// the request did not leave on the first.
func (c *Call) Trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { c.begun.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { c.begun.Store(true) },
	})
}

// Do makes the request with a client, or http.DefaultClient for nil, cured of
// following redirects. Its error is *Silence.
func (c *Call) Do(client *http.Client, r *http.Request) (*http.Response, error) {
	h := *cmp.Or(client, http.DefaultClient)
	h.CheckRedirect = Stay
	res, err := h.Do(r) //nolint:gosec // where to is configured; what may be dialled, the client decides
	if err != nil {
		return nil, &Silence{Begun: c.begun.Load(), Err: err}
	}
	return res, nil
}

// Silence is a request without an answer.
type Silence struct {
	Begun bool // the other side may have the message
	Err   error
}

func (s *Silence) Error() string { return "no answer: " + s.Err.Error() }

// Unwrap returns what the transport said.
func (s *Silence) Unwrap() error { return s.Err }

// Cause is "canceled", "timeout" or "connection".
func (s *Silence) Cause() string {
	n, ok := errors.AsType[net.Error](s.Err)
	switch {
	case errors.Is(s.Err, context.Canceled):
		return "canceled"
	case errors.Is(s.Err, context.DeadlineExceeded), ok && n.Timeout():
		return "timeout"
	default:
		return "connection"
	}
}
