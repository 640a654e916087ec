package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// again says whether a request may be sent a second time when nobody knows what
// became of the first.
type again int

const (
	never    again = iota // a second one would do something a second time
	harmless              // it only asks, or does what is done already
	keyed                 // it has an Idempotency-Key: the API knows it again
)

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 2 * time.Second
)

// insist tries until there is an answer to return, the error is one that another
// try would not mend, or the time does not suffice for another.
func (c *Client) insist(ctx context.Context, q call, body []byte) (reply, error) {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		res, err := c.try(ctx, q, body)
		if err == nil || ctx.Err() != nil || !worthwhile(err, q.again) {
			return res, err
		}
		if waited := wait(ctx, max(spread(pause), asked(err))); waited != nil {
			return reply{}, fmt.Errorf("%w; before: %w", waited, err)
		}
	}
}

// worthwhile tells whether another try may go better and can do no harm. What the
// API refuses it refuses again, however often it is asked.
func worthwhile(err error, a again) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return a != never && (passing(e.Status) || a == keyed && e.Code == ErrIdempotencyInFlight)
	}
	return isSilence(err) && !isStranger(err) && (a != never || unsent(err))
}

// isStranger tells whether another answered than the certificate should say. It will
// be there in a moment too.
func isStranger(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// passing are the statuses of an API, or of something before it, that is away.
func passing(status int) bool {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// unsent tells whether nobody can have seen the request: there was no connection.
func unsent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// asked is how long an answer asks its caller to stay away.
func asked(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// spread is half of d to all of it, so that many callers do not come back at once.
func spread(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2) //nolint:gosec // no secret
}

// wait waits, unless ctx would end before: then there is no use in it.
func wait(ctx context.Context, d time.Duration) error {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return context.DeadlineExceeded
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
