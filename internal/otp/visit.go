package otp

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Way is how a person of the staff came in.
type Way string

// The ways in.
const (
	ByPassword Way = "password"
	ByOIDC     Way = "oidc" // an identity provider vouched for them
)

// Errors of those who want to come in.
var (
	ErrNotAdmitted = errors.New("neither a known name nor its password")
	ErrNoRole      = errors.New("known, but not a member of the staff")
	ErrNotVouched  = errors.New("the identity provider did not vouch for anybody")
	ErrTooMany     = errors.New("too many want to come in at once")
	ErrVoucherAway = errors.New("the identity provider does not answer")
)

// Visit is what is kept of a person from their sign-in to their sign-out.
type Visit struct {
	Who   Staff
	Way   Way
	Mark  string    // of the settings that let the person in: with others the visit is over
	Until time.Time // the latest end
}

// Pass is what a browser has of a visit, or of a referral: 256 random bits. It
// prints as dots; only Reveal gives it away.
type Pass struct{ text hidden }

const passBytes = 32

// NewPass draws a pass.
func NewPass() Pass { return Pass{hide(draw())} }

// draw makes 256 random bits in base64url.
func draw() string {
	b := make([]byte, passBytes)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParsePass accepts the form of a pass. The error is ErrNotFound.
func ParsePass(s string) (Pass, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != passBytes {
		return Pass{}, ErrNotFound
	}
	return Pass{hide(s)}, nil
}

// Is tells whether there is a pass at all.
func (p Pass) Is() bool { return p.text != nil }

// Hash names in the store what the pass opens, without telling the pass. What
// else is said makes it another name.
func (p Pass) Hash(also ...string) string {
	h := sha256.New()
	for _, part := range append([]string{p.text.reveal()}, also...) {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Reveal gives the pass away: to the browser that it was made for.
func (p Pass) Reveal() string { return p.text.reveal() }

// Format prints dots whatever the verb.
func (p Pass) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, dots) }

// LogValue logs dots.
func (p Pass) LogValue() slog.Value { return slog.StringValue(dots) }

// MarshalJSON refuses: a pass leaves through Reveal or not at all.
func (p Pass) MarshalJSON() ([]byte, error) {
	return nil, errors.New("otp: a pass is never marshalled")
}
