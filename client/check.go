package client

import (
	"context"
	"net/http"
	"time"
)

// CheckRequest is a guess: by namespace and recipient, or by the id of a
// verification.
type CheckRequest struct {
	Namespace string
	To        string
	ID        string // instead of both
	Code      Secret // as it was typed; spaces and dashes do not matter
	Binding   Secret // what was given at the start
	Ticket    Secret // of the newest start, where it gave one

	// IdempotencyKey makes two requests one guess, for a day. "": one is drawn, so
	// that the tries of this call are one guess.
	IdempotencyKey string
}

type checkBody struct {
	Namespace string `json:"namespace,omitempty"`
	To        string `json:"to,omitempty"`
	ID        string `json:"id,omitempty"`
	Code      string `json:"code"`
	Binding   string `json:"binding,omitempty"`
	Ticket    string `json:"ticket,omitempty"`
}

// Checked is what became of a guess.
type Checked struct {
	ID     string `json:"id"`
	Status Status `json:"status"`
	Valid  bool   `json:"valid"`
	// Reason is for you. PublicReason is for the one who typed: it does not tell
	// whether there was a code.
	Reason       Reason       `json:"reason"`
	PublicReason string       `json:"public_reason"`
	ChecksLeft   int          `json:"checks_left"`
	LockedUntil  time.Time    `json:"locked_until"` // zero: the recipient is not locked
	Session      SessionProof `json:"session"`      // of a right guess
	Replayed     bool         `json:"-"`            // an answer to an earlier request with this key
}

// Reason is why a guess was not right.
type Reason string

// The reasons.
const (
	ReasonCodeMismatch    Reason = "code_mismatch"    // wrong, and counted
	ReasonExpired         Reason = "expired"          // too late, or its checks are used up
	ReasonAlreadyUsed     Reason = "already_used"     // it was right before
	ReasonCanceled        Reason = "canceled"         // by you
	ReasonNotFound        Reason = "not_found"        // nothing was asked for
	ReasonBindingMismatch Reason = "binding_mismatch" // asked for by another; not counted
)

// SessionProof proves a right guess, for this namespace and recipient.
type SessionProof struct {
	Token     Secret    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Check counts a guess and compares it. A wrong code is no error; look at Valid.
// Its error may be ErrRecipientLocked or ErrInvalidCodeFormat, which is not
// counted, and others. Tries of one call are one guess.
func (c *Client) Check(ctx context.Context, r CheckRequest) (k Checked, err error) {
	body := checkBody{r.Namespace, r.To, r.ID, r.Code.Reveal(), r.Binding.Reveal(), r.Ticket.Reveal()}
	head, err := c.do(ctx, call{operation: "check", method: http.MethodPost, path: "/v1/verifications/check", body: body, key: keyOr(r.IdempotencyKey), again: keyed}, &k)
	k.Replayed = head.Get("Idempotency-Replayed") == "true"
	return k, err
}
