package otp

import (
	"bytes"
	"crypto/rand"
	"strings"
)

// recoveryLetters are those that nobody takes for another: no i, l, o, u.
const recoveryLetters = "0123456789abcdefghjkmnpqrstvwxyz"

// RecoveryCodes is how many there are of a factor.
const RecoveryCodes = 10

const recoveryHalf = 5 // letters on each side of the dash: ten have 50 bits

// NewRecoveryCode draws a code for the day on which the app is lost.
func NewRecoveryCode() Code {
	b := make([]byte, 2*recoveryHalf)
	_, _ = rand.Read(b) // it never fails
	for i := range b {
		b[i] = recoveryLetters[b[i]%32] // 256 is a multiple of it
	}
	return Code{hide(string(b[:recoveryHalf]) + "-" + string(b[recoveryHalf:]))}
}

// ParseRecoveryCode accepts what a person made of one: in either case, with dash
// and spaces or without, l for 1 and o for 0. The error is ErrCodeFormat.
func ParseRecoveryCode(s string) (Code, error) {
	var b []byte
	for _, c := range []byte(s) {
		switch {
		case c == '-' || c == ' ':
			continue
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		b = append(b, lookAlike(c))
	}
	if len(b) != 2*recoveryHalf || len(s) > 4*recoveryHalf {
		return Code{}, ErrCodeFormat
	}
	if bytes.ContainsFunc(b, func(r rune) bool { return !strings.ContainsRune(recoveryLetters, r) }) {
		return Code{}, ErrCodeFormat
	}
	return Code{hide(string(b[:recoveryHalf]) + "-" + string(b[recoveryHalf:]))}, nil
}

func lookAlike(c byte) byte {
	switch c {
	case 'i', 'l':
		return '1'
	case 'o':
		return '0'
	}
	return c
}

// RecoveryDigest is what is kept of a recovery code: a hash keyed by the anchor,
// which no change of the ring touches, for this factor alone.
func (k Keys) RecoveryDigest(id FactorID, c Code) string {
	return k.Anchor.mac(32, "recovery", string(id), c.Reveal())
}
