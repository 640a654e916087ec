package otp

import (
	"crypto/rand"
	"time"
)

// CodesAt says where the digests of a namespace's codes are kept. All else is in
// the store: limits, locks, journal, and the code sealed until it is delivered.
type CodesAt string

// The resting places.
const (
	CodesInStore CodesAt = "redis" // with their verification
	CodesInSQL   CodesAt = "sql"   // in a database
	CodesInToken CodesAt = "jwe"   // in a ticket, which whoever asks for the code keeps
)

// Slot names a digest that is kept elsewhere than with its verification.
type Slot string

// NewSlot draws one.
func NewSlot() Slot { return Slot(rand.Text()) }

// In stands in the store for a digest that is kept elsewhere. No key of a ring has
// such a name.
func (s Slot) In(at CodesAt) Digest { return Digest{Key: "@" + string(at), Sum: string(s)} }

// Live is the code that a start leaves alive, if its digest is kept elsewhere.
type Live struct {
	Slot Slot
	Code Sealed
}

// Counted is a guess that the store has counted and nobody has compared.
type Counted struct {
	ID   ID
	Slot Slot  // of what it is to be compared with
	At   int64 // when, in ms by the store's clock
}

// Ticket is a digest that is kept by whoever asked for the code: sealed, and of no
// use for another recipient, namespace or code. It tells nothing to who has it.
type Ticket string

// Sealing is the key as one that seals tickets (AES-256).
func (k Key) Sealing() []byte { return []byte(k.secret.reveal()) }

// Sealable is what a ticket holds.
type Sealable struct {
	Slot      Slot
	ID        ID
	Namespace Namespace
	Channel   Channel
	Anchor    Anchor // of the recipient
	Binding   Fingerprint
	Digest    Digest
	ExpiresAt time.Time
}

// TicketGuard says what keeps a ticket from being used twice, and guesses from being
// made without end.
type TicketGuard string

const (
	// StoreGuards counts guesses and lets a ticket be used once, in the store.
	StoreGuards TicketGuard = "redis"
	// NothingGuards is a check without any look-up: a ticket is good until it expires,
	// for as many guesses as there is time for.
	NothingGuards TicketGuard = "none"
)

// WhenDown says what a check of a ticket does while the store does not answer.
type WhenDown string

// The ways.
const (
	FailClosed WhenDown = "closed" // it is refused
	FailOpen   WhenDown = "open"   // the process goes by what it has counted itself
)
