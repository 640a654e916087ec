package client

import (
	"context"
	"net/http"
	"time"
)

// SessionRequest asks whether a token proves what you need proved: Namespace, and
// To or Subject, are yours to say, and do not come from the browser with the token.
type SessionRequest struct {
	Token     Secret
	Namespace string
	To        string
	Subject   string // instead of To: of whom you need a factor proved
}

type sessionBody struct {
	Token     string `json:"token"`
	Namespace string `json:"namespace"`
	To        string `json:"to,omitempty"`
	Subject   string `json:"subject,omitempty"`
}

func (r SessionRequest) body() sessionBody {
	return sessionBody{r.Token.Reveal(), r.Namespace, r.To, r.Subject}
}

// SessionState is what a token proves.
type SessionState struct {
	Active         bool      `json:"active"` // the rest is told only then
	VerificationID string    `json:"verification_id"`
	FactorID       string    `json:"factor_id"` // instead, where Subject was asked for
	Channel        Channel   `json:"channel"`
	ToMasked       string    `json:"to_masked"` // where the code went
	ExpiresAt      time.Time `json:"expires_at"`
}

// Introspect asks for a session and leaves it.
func (c *Client) Introspect(ctx context.Context, r SessionRequest) (s SessionState, err error) {
	_, err = c.do(ctx, call{operation: "introspect", method: http.MethodPost, path: "/v1/sessions/introspect", body: r.body(), again: harmless}, &s)
	return s, err
}

// Consume uses a session up: of two requests only one finds it active. So it is not
// tried again where the answer was lost.
func (c *Client) Consume(ctx context.Context, r SessionRequest) (s SessionState, err error) {
	_, err = c.do(ctx, call{operation: "consume", method: http.MethodPost, path: "/v1/sessions/consume", body: r.body()}, &s)
	return s, err
}
