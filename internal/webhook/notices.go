package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/otpipe/otpipe/internal/notify"
)

// noticeLimit is how long an endpoint may take to answer.
const noticeLimit = 10 * time.Second

// Endpoint is where notices go. It prints nothing.
type Endpoint struct {
	URL     string // it may hold a password or a token
	Secrets Secrets
	HTTP    *http.Client // see NewGuardedClient
}

// Notices posts notices to endpoints, by their names. It may be used by many
// goroutines at once.
type Notices struct {
	Endpoints map[string]Endpoint
	Now       func() time.Time // time.Now
}

var _ notify.Poster = Notices{}

// Post posts a notice: its id is the webhook-id, the same at every try.
func (p Notices) Post(ctx context.Context, n notify.Notice) error {
	to, known := p.Endpoints[n.Endpoint]
	if !known {
		return notify.ErrNoEndpoint
	}
	ctx, cancel := context.WithTimeout(ctx, noticeLimit)
	defer cancel()
	c := call{url: to.URL, secrets: to.Secrets, http: to.HTTP, id: n.ID, at: p.Now(), body: n.Body}
	a, err := c.post(ctx)
	switch {
	case err != nil:
		return err
	case !a.taken():
		return &notify.Refusal{Status: a.status, RetryAfter: a.retryAfter}
	default:
		return nil
	}
}

// Format prints nothing of it, so that %+v cannot tell the URL.
func (e Endpoint) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "endpoint") }

// LogValue logs the same.
func (e Endpoint) LogValue() slog.Value { return slog.StringValue("endpoint") }

// MarshalJSON refuses.
func (e Endpoint) MarshalJSON() ([]byte, error) {
	return nil, errors.New("webhook: an endpoint is never marshalled")
}
