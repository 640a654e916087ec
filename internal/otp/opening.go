package otp

import "time"

// Opening asks the store to admit a request and stage a send. Nothing in it
// depends on an id or a send number: which verification it belongs to is for
// the store to decide. Code and Digest are used if a new code is wanted.
type Opening struct {
	Owner   Owner
	ID      ID // of the verification, should a new one be opened
	Policy  Policy
	Channel Channel
	Masked  string
	Nonce   Nonce
	Digest  Digest
	Code    Sealed
	Letter  Sealed
	Address Sealed // of the recipient
	// Guard watches how many of the texts to its ranges are of use; nil watches none.
	Guard *Guard
	// Buckets are all charged or none; no two are the same.
	Buckets []Bucket
	// Fallbacks are where else the code may go, in order.
	Fallbacks []Fallback
	// Act is set if a member of the staff asks, and not the product.
	Act Act
}

// Opened is an admitted request. Its send is staged, not yet sent.
type Opened struct {
	Order      Order
	Channel    Channel
	Resent     bool // a send of a verification that was already alive
	ExpiresAt  time.Time
	ResendAt   time.Time // not before, by the cooldown
	SendsLeft  int
	State      State // of the send: Queued, or what became of it if the answer is given again
	DailyLeft  int
	DailyReset time.Duration // until the daily quota is full again
	Now        time.Time     // by the store's clock
	Suspect    string        // a range that a guard would have blocked, were it not in the shadow
	Live       Live
	Ticket     Ticket // to be brought back with the code, where codes are kept in tickets
}
