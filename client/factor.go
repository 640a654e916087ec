package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// EnrolRequest asks for an authenticator app's secret. What is left out is as all
// apps know it.
type EnrolRequest struct {
	Namespace string
	Subject   string // whose app it is: an id of yours, which is kept as it is
	Issuer    string // your product, as the app shows it
	Account   string // the account, likewise; it is not kept

	Algorithm string        // SHA1, SHA256 or SHA512; "": SHA1
	Digits    int           // 6 to 8; 0: 6
	Period    time.Duration // 20 to 60 s; 0: 30 s
	Skew      *int          // periods that the app's clock may be off by, 0 to 2; nil: 1
}

type enrolBody struct {
	Namespace string `json:"namespace"`
	Subject   string `json:"subject"`
	Issuer    string `json:"issuer"`
	Account   string `json:"account"`
	Algorithm string `json:"algorithm,omitempty"`
	Digits    int    `json:"digits,omitempty"`
	Period    int    `json:"period,omitempty"`
	Skew      *int   `json:"skew,omitempty"`
}

// Factor is an authenticator app of a subject.
type Factor struct {
	ID                string       `json:"id"`
	Namespace         string       `json:"namespace"`
	Subject           string       `json:"subject"`
	Status            FactorStatus `json:"status"`
	Algorithm         string       `json:"algorithm"`
	Digits            int          `json:"digits"`
	Period            int          `json:"period"` // seconds
	Skew              int          `json:"skew"`
	CreatedAt         time.Time    `json:"created_at"`
	ExpiresAt         time.Time    `json:"expires_at"`   // of one that is unconfirmed
	ConfirmedAt       time.Time    `json:"confirmed_at"` // zero: it is not
	UsedAt            time.Time    `json:"used_at"`      // last; zero: never
	LockedUntil       time.Time    `json:"locked_until"` // zero, or past: it is not locked
	FailedChecks      int          `json:"failed_checks"`
	RecoveryCodesLeft int          `json:"recovery_codes_left"`
}

// FactorStatus is whether a factor is good for checks.
type FactorStatus string

// The statuses of a factor.
const (
	FactorUnconfirmed FactorStatus = "unconfirmed" // it waits for its first code
	FactorConfirmed   FactorStatus = "confirmed"
)

// Enrolled is a new factor and what its app has to know, which is told once.
type Enrolled struct {
	Factor
	Secret Secret `json:"secret"` // base32, for those who type it
	URI    Secret `json:"uri"`    // otpauth://…
	QRPNG  Secret `json:"qr_png"` // a data URI, for the src of an img
	QRSVG  Secret `json:"qr_svg"` // a document
}

// Confirmed is what became of a factor's first code.
type Confirmed struct {
	ID            string       `json:"id"`
	Status        FactorStatus `json:"status"`
	Valid         bool         `json:"valid"`
	Reason        Reason       `json:"reason"`
	PublicReason  string       `json:"public_reason"`
	ChecksLeft    int          `json:"checks_left"`
	LockedUntil   time.Time    `json:"locked_until"`
	RecoveryCodes []Secret     `json:"recovery_codes"` // of a right code; they are told once
}

// FactorGuess is what a person typed: a code that their app shows, or else one of
// their recovery codes.
type FactorGuess struct {
	Code         Secret
	RecoveryCode Secret

	// IdempotencyKey makes two requests one guess, for a day. "": one is drawn, so
	// that the tries of this call are one guess.
	IdempotencyKey string
}

type factorCheckBody struct {
	Code         string `json:"code,omitempty"`
	RecoveryCode string `json:"recovery_code,omitempty"`
}

// FactorChecked is what became of a guess.
type FactorChecked struct {
	ID                string       `json:"id"`
	Status            FactorStatus `json:"status"`
	Valid             bool         `json:"valid"`
	Reason            Reason       `json:"reason"` // for you
	PublicReason      string       `json:"public_reason"`
	ChecksLeft        int          `json:"checks_left"`
	LockedUntil       time.Time    `json:"locked_until"`        // zero: this guess did not lock it
	RecoveryCodesLeft int          `json:"recovery_codes_left"` // of a right guess
	Session           SessionProof `json:"session"`             // likewise
	Replayed          bool         `json:"-"`                   // an answer to an earlier request with this key
}

type codeBody struct {
	Code string `json:"code"`
}

type recoveryCodes struct {
	RecoveryCodes []Secret `json:"recovery_codes"`
}

type factorList struct {
	Items []Factor `json:"items"`
}

// Enrol draws the secret of an authenticator app. Show it, and confirm the factor
// with the first code. Its error may be ErrTooManyFactors or ErrFactorsNotKept.
func (c *Client) Enrol(ctx context.Context, r EnrolRequest) (e Enrolled, err error) {
	body := enrolBody{r.Namespace, r.Subject, r.Issuer, r.Account, r.Algorithm, r.Digits, int(r.Period / time.Second), r.Skew}
	_, err = c.do(ctx, call{operation: "enrol", method: http.MethodPost, path: "/v1/factors", body: body}, &e)
	return e, err
}

// ConfirmFactor makes a factor good for checks by its first code. A wrong code is
// no error; look at Valid.
func (c *Client) ConfirmFactor(ctx context.Context, id string, code Secret) (k Confirmed, err error) {
	_, err = c.do(ctx, call{operation: "confirm-factor", method: http.MethodPost, path: factorPath(id) + "/confirm", body: codeBody{code.Reveal()}}, &k)
	return k, err
}

// CheckFactor counts a guess and compares it. A wrong code is no error; look at
// Valid. Its error may be ErrFactorLocked. Tries of one call are one guess.
func (c *Client) CheckFactor(ctx context.Context, id string, g FactorGuess) (k FactorChecked, err error) {
	body := factorCheckBody{g.Code.Reveal(), g.RecoveryCode.Reveal()}
	head, err := c.do(ctx, call{operation: "check-factor", method: http.MethodPost, path: factorPath(id) + "/check", body: body, key: keyOr(g.IdempotencyKey), again: keyed}, &k)
	k.Replayed = head.Get("Idempotency-Replayed") == "true"
	return k, err
}

// Factor tells of a factor. Its error may be ErrFactorNotFound.
func (c *Client) Factor(ctx context.Context, id string) (f Factor, err error) {
	_, err = c.do(ctx, call{operation: "get-factor", method: http.MethodGet, path: factorPath(id), again: harmless}, &f)
	return f, err
}

// Factors lists those of a subject, the oldest first.
func (c *Client) Factors(ctx context.Context, namespace, subject string) ([]Factor, error) {
	var all factorList
	path := "/v1/factors?" + url.Values{"namespace": {namespace}, "subject": {subject}}.Encode()
	_, err := c.do(ctx, call{operation: "list-factors", method: http.MethodGet, path: path, again: harmless}, &all)
	return all.Items, err
}

// DeleteFactor forgets a factor, and tells what it was.
func (c *Client) DeleteFactor(ctx context.Context, id string) (f Factor, err error) {
	_, err = c.do(ctx, call{operation: "delete-factor", method: http.MethodDelete, path: factorPath(id)}, &f)
	return f, err
}

// RenewRecoveryCodes draws new ones. Those before are worth nothing then.
func (c *Client) RenewRecoveryCodes(ctx context.Context, id string) ([]Secret, error) {
	var all recoveryCodes
	_, err := c.do(ctx, call{operation: "renew-recovery-codes", method: http.MethodPost, path: factorPath(id) + "/recovery-codes"}, &all)
	return all.RecoveryCodes, err
}

func factorPath(id string) string { return "/v1/factors/" + url.PathEscape(id) }
