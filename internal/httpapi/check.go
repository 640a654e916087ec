package httpapi

import (
	"context"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/verify"
)

// CheckBody is what a person typed. Either id, or namespace and to.
type CheckBody struct {
	ID        string `json:"id,omitempty" doc:"Of the verification; or namespace and to."`
	Namespace string `json:"namespace,omitempty" maxLength:"32" doc:"What the proof is for: the same as at the start."`
	To        string `json:"to,omitempty" maxLength:"320" doc:"The recipient, as at the start."`
	Code      string `json:"code" example:"123456" doc:"As it was typed, without spaces."`
	Binding   string `json:"binding,omitempty" maxLength:"256" doc:"Where the start had one: the same."`
	Ticket    string `json:"ticket,omitempty" maxLength:"2048" doc:"Where the start gave one: it."`
}

type checkInput struct {
	IdempotencyKey string `header:"Idempotency-Key" doc:"The same key gets the same answer for a day: a lost answer can be asked for again."`
	Body           CheckBody
}

// SessionProof proves a right check.
type SessionProof struct {
	Token     string  `json:"token" example:"ots_0a…" doc:"Proves the check, for this namespace and recipient."`
	ExpiresAt Instant `json:"expires_at" doc:"The token proves nothing any more then."`
}

// Checked is the verdict on a code. A wrong code is a normal answer.
type Checked struct {
	ID           string        `json:"id,omitempty" doc:"Of the verification, where there is one."`
	Status       string        `json:"status,omitempty" enum:"pending,approved,expired,canceled,locked" doc:"Of the verification, after this check."`
	Valid        bool          `json:"valid" doc:"The code is right, and this check used it up."`
	Reason       string        `json:"reason,omitempty" enum:"code_mismatch,expired,already_used,canceled,not_found,binding_mismatch" doc:"Why the code was not right. For you: do not show it."`
	PublicReason string        `json:"public_reason,omitempty" doc:"Safe to show: it tells nothing about which reason it was." example:"invalid_or_expired"`
	ChecksLeft   int           `json:"checks_left" doc:"How many more guesses are compared. After a wrong one 0 means that the recipient is locked."`
	LockedUntil  *Instant      `json:"locked_until,omitempty" doc:"This guess locked the recipient in this namespace until then."`
	Session      *SessionProof `json:"session,omitempty" doc:"Of a right check."`
}

type checkOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true if this answer was given before."`
	Body     Checked
}

func (a *API) check(ctx context.Context, who otp.Caller, in *checkInput) (*checkOutput, error) {
	r, err := checkRequest(who, in)
	if err != nil {
		return nil, err
	}
	c, err := a.Verifier.Check(ctx, who, r)
	if isNotFound(err) {
		return &checkOutput{Body: verdict(verify.Checked{Verdict: otp.Verdict{Reason: otp.NoSuchCode}})}, nil
	}
	if err != nil {
		return nil, err
	}
	return &checkOutput{Replayed: replayed(c.Replayed), Body: verdict(c)}, nil
}

// checkRequest reads either form of a check.
func checkRequest(who otp.Caller, in *checkInput) (verify.CheckRequest, error) {
	b := in.Body
	n, err := nonce(who, "check", in.IdempotencyKey)
	r := verify.CheckRequest{Namespace: otp.Namespace(b.Namespace), To: b.To, Code: b.Code, Binding: b.Binding, Ticket: otp.Ticket(b.Ticket), Nonce: n}
	if err != nil {
		return r, err
	}
	byID, byRecipient := b.ID != "", b.Namespace != "" || b.To != ""
	if byID == byRecipient || byRecipient && (b.Namespace == "" || b.To == "") {
		p := newProblem("invalid_request", "a check names its verification in one of two ways")
		p.Errors = []FieldError{{Pointer: "#", Detail: "want either id, or namespace and to"}}
		return r, p
	}
	if !byID {
		return r, nil
	}
	if r.ID, err = otp.ParseID(b.ID); err != nil {
		p := newProblem("invalid_request", "an id is VE and 32 hex digits")
		p.Errors = []FieldError{{Pointer: "#/id", Detail: "want VE and 32 lower-case hex digits"}}
		return r, p
	}
	return r, nil
}

func verdict(c verify.Checked) Checked {
	v := Checked{ID: string(c.ID), Status: string(c.Status), Valid: c.Right(), ChecksLeft: c.ChecksLeft}
	if !c.LockedUntil.IsZero() {
		v.LockedUntil = instant(c.LockedUntil)
	}
	if !v.Valid {
		v.Reason, v.PublicReason = string(c.Reason), "invalid_or_expired"
		return v
	}
	v.Session = &SessionProof{Token: c.Token.Reveal(), ExpiresAt: Instant(c.ExpiresAt)}
	return v
}
