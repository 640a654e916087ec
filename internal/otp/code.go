package otp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
)

const dots = "••••••"

// Code is a one-time code in clear. It prints as dots and refuses to be
// marshalled; only Reveal gives the digits away.
type Code struct{ digits hidden }

// NewCode draws a uniformly random code of n digits, leading zeros included.
func NewCode(n int) Code {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	v, err := rand.Int(rand.Reader, limit) // rejection sampling: no digit is likelier than another
	if err != nil {
		panic(err) // crypto/rand never fails; see its documentation
	}
	return Code{hide(fmt.Sprintf("%0*d", n, v))}
}

// ParseCode accepts what a person typed if it has the form of a code of n
// digits. The error is ErrCodeFormat.
func ParseCode(s string, n int) (Code, error) {
	if len(s) != n {
		return Code{}, ErrCodeFormat
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return Code{}, ErrCodeFormat
		}
	}
	return Code{hide(s)}, nil
}

// Reveal gives the digits away: to the digest, the seal and the template.
func (c Code) Reveal() string { return c.digits.reveal() }

// Format prints dots whatever the verb; a String method would not stop %#v.
func (c Code) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, dots) }

// LogValue logs dots.
func (c Code) LogValue() slog.Value { return slog.StringValue(dots) }

// MarshalJSON refuses: a code leaves through Reveal or not at all.
func (c Code) MarshalJSON() ([]byte, error) {
	return nil, errors.New("otp: a code is never marshalled")
}
