package otp

import "time"

// TOTP is the channel of a code that nobody sends: an authenticator app shows it.
const TOTP Channel = "totp"

// FactorID names a factor: "FA" and 32 hex digits, the first two of them the
// partition that its events and sessions lie in.
type FactorID string

// NewFactorID draws an id in a partition. 120 bits of it are random.
func NewFactorID(p Partition) FactorID { return FactorID("FA" + string(NewID(p))[2:]) }

// ParseFactorID accepts what NewFactorID makes. The error is ErrFactorNotFound.
func ParseFactorID(s string) (FactorID, error) {
	if len(s) < 2 || s[:2] != "FA" {
		return "", ErrFactorNotFound
	}
	if _, err := ParseID("VE" + s[2:]); err != nil {
		return "", ErrFactorNotFound
	}
	return FactorID(s), nil
}

// Partition is the partition of its events and sessions.
func (id FactorID) Partition() Partition { return ID(id).Partition() }

// FactorOwner names the state in Redis of a subject, which is whom the product
// says: an opaque string.
func (k Keys) FactorOwner(ns Namespace, subject string, partitions int) Owner {
	return k.Owner(ns, NewRecipient(TOTP, subject, subject, ""), "", partitions)
}

// Factor is an authenticator app of a subject, as it is kept. The secret is sealed.
type Factor struct {
	ID        FactorID
	Namespace Namespace
	Subject   string
	Clockwork
	Secret        Sealed
	CreatedAt     time.Time
	ExpiresAt     time.Time // while it is unconfirmed; else zero
	ConfirmedAt   time.Time // zero: it is unconfirmed
	UsedAt        time.Time // last; zero: never
	LastStep      int64     // of the last code that was accepted
	Drift         int       // steps that its clock was off by then
	Fails         int       // guesses since then
	LockedUntil   time.Time // zero, or past: it is not locked
	RecoveryCodes int       // that are left
}

// Confirmed tells whether a first code has shown that the app has the secret.
func (f Factor) Confirmed() bool { return !f.ConfirmedAt.IsZero() }

// FactorGuess asks the store to count a guess at a factor, and to accept it if it
// is right. Right is what Step or Recovery says: the store takes either once.
type FactorGuess struct {
	ID        FactorID
	Namespace Namespace
	Confirm   bool // the factor has to be unconfirmed, and is confirmed; else the other way round
	Step      int64
	Drift     int
	Recovery  string   // the digest of what may be a recovery code; "": it is a code
	Fresh     []string // digests of the first recovery codes, with Confirm
	Policy    Policy
	Now       time.Time
}

// FactorVerdict is what the store says of it.
type FactorVerdict struct {
	Reason        Reason // "" is right
	ChecksLeft    int
	LockedUntil   time.Time // zero if the guess did not lock
	RecoveryCodes int       // that are left
}
