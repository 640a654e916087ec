package otp

import "time"

// Algorithm is the hash of an HMAC, as the Key URI format spells it.
type Algorithm string

// The algorithms of RFC 6238.
const (
	SHA1   Algorithm = "SHA1"
	SHA256 Algorithm = "SHA256"
	SHA512 Algorithm = "SHA512"
)

// Clockwork is what an authenticator app and we must agree on.
type Clockwork struct {
	Algorithm Algorithm
	Digits    int           // of a code, 6 to 8
	Period    time.Duration // of a step, 20 to 60 s, whole seconds
	Skew      int           // steps that its clock may be off by, 0 to 2
}

// DefaultClockwork is the one that every app knows. Many know no other.
func DefaultClockwork() Clockwork {
	return Clockwork{Algorithm: SHA1, Digits: 6, Period: 30 * time.Second, Skew: 1}
}

// Check says what is wrong with it, as an *InputError of ErrInvalid.
func (c Clockwork) Check() error {
	bad := func(field, detail string) error {
		return &InputError{Field: field, Detail: detail, Err: ErrInvalid}
	}
	switch {
	case c.Algorithm.secretBytes() == 0:
		return bad("algorithm", "want SHA1, SHA256 or SHA512")
	case c.Digits < 6 || c.Digits > 8:
		return bad("digits", "want 6 to 8")
	case c.Period < 20*time.Second || c.Period > time.Minute || c.Period%time.Second != 0:
		return bad("period", "want 20 to 60 seconds")
	case c.Skew < 0 || c.Skew > 2:
		return bad("skew", "want 0 to 2")
	}
	return nil
}

// Step is the number of the period that an instant lies in.
func (c Clockwork) Step(at time.Time) int64 { return at.Unix() / int64(c.Period/time.Second) }

// secretBytes is as long as the hash: RFC 4226 wants 160 bits, RFC 6238 the hash's.
func (a Algorithm) secretBytes() int {
	return map[Algorithm]int{SHA1: 20, SHA256: 32, SHA512: 64}[a]
}
