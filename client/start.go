package client

import (
	"context"
	"crypto/rand"
	"net/http"
)

// StartRequest asks for a code.
type StartRequest struct {
	Namespace string
	To        string            // a phone number in international form, or an e-mail address
	Channel   Channel           // "": email if To has an @, else sms
	Locale    string            // of the message, such as "de"
	Params    map[string]string // for the template
	Binding   Secret            // what only the one who asks can repeat, such as the id of a login session
	Fallback  []Fallback        // addresses that you know to be the same person's
	Limits    Limits            // who asks, for the rate limits that count by it
	Decoy     bool              // nothing is sent; everything else is as for another code

	// IdempotencyKey makes two requests one, for a day. "": one is drawn, so that the
	// tries of this call are one request.
	IdempotencyKey string
}

type startBody struct {
	Namespace string            `json:"namespace"`
	To        string            `json:"to"`
	Channel   Channel           `json:"channel,omitempty"`
	Locale    string            `json:"locale,omitempty"`
	Params    map[string]string `json:"params,omitempty"`
	Binding   string            `json:"binding,omitempty"`
	Fallback  []Fallback        `json:"fallback,omitempty"`
	Limits    *Limits           `json:"limits,omitempty"`
	Decoy     bool              `json:"decoy,omitempty"`
}

// Limits is what you know of the person who asks. What is "" is not counted by.
type Limits struct {
	IP      string `json:"ip,omitempty"`      // an address without a port
	Device  string `json:"device,omitempty"`  // any string that is the same for one device
	Account string `json:"account,omitempty"` // any string that is the same for one account
}

// given is nil where nothing is known.
func (l Limits) given() *Limits {
	if l == (Limits{}) {
		return nil
	}
	return &l
}

// Fallback is another address for the same code.
type Fallback struct {
	To      string  `json:"to"`
	Channel Channel `json:"channel,omitempty"`
}

// Started is a verification whose code is on its way: the time line says if it
// does not arrive.
type Started struct {
	Verification
	Resent   bool   `json:"resent"` // the code of a verification that was there already
	Ticket   Secret `json:"ticket"` // to be brought back with the code, in namespaces that keep it with you
	Replayed bool   `json:"-"`      // an answer to an earlier request with this key
}

// Start asks for a code, and tries again as long as that can do no harm. Its
// error may be ErrCooldownActive, ErrSendLimitReached, ErrDailyQuotaExceeded,
// ErrRateLimited or ErrRecipientLocked, each with Error.RetryAfter;
// ErrInvalidRecipient, ErrDestinationNotAllowed and others.
func (c *Client) Start(ctx context.Context, r StartRequest) (s Started, err error) {
	body := startBody{r.Namespace, r.To, r.Channel, r.Locale, r.Params, r.Binding.Reveal(), r.Fallback, r.Limits.given(), r.Decoy}
	head, err := c.do(ctx, call{operation: "start", method: http.MethodPost, path: "/v1/verifications", body: body, key: keyOr(r.IdempotencyKey), again: keyed}, &s)
	s.Replayed = head.Get("Idempotency-Replayed") == "true"
	return s, err
}

// keyOr is a key, or one that nobody has had.
func keyOr(key string) string {
	if key == "" {
		return rand.Text()
	}
	return key
}
