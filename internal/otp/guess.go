package otp

import "time"

// Guess asks the store to count a code and compare it. Either ID is set, and
// Owner has the namespace, partition and anchor that go with it, or ID is empty
// and Owner is the whole owner.
type Guess struct {
	Owner    Owner
	ID       ID
	Digests  []Digest // of the typed code, under every live key
	Ticket   Ticket   // that came with it
	Policy   Policy
	Nonce    Nonce
	Sessions []SessionSeed // the first is opened if the code is right
}

// Reason says why a guess was not right. "" is right.
type Reason string

// The reasons.
const (
	CodeMismatch    Reason = "code_mismatch"
	CodeExpired     Reason = "expired"
	AlreadyUsed     Reason = "already_used"
	WasCanceled     Reason = "canceled"
	NoSuchCode      Reason = "not_found"
	BindingMismatch Reason = "binding_mismatch"
)

// Verdict is what the store says about a guess.
type Verdict struct {
	ID          ID // "" if there is no verification
	Status      Status
	Reason      Reason
	ChecksLeft  int
	LockedUntil time.Time // zero if the guess did not lock
	Channel     Channel
	SessionKey  string    // of a right guess: the key that made its token
	ExpiresAt   time.Time // of the session
	// After is how long ago the code was first asked for, of a right guess that
	// is not answered again.
	After time.Duration
}

// Right tells whether the code was right.
func (v Verdict) Right() bool { return v.ID != "" && v.Reason == "" }
