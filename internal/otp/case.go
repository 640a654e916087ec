package otp

import "time"

// Case is what the store keeps of a verification for those who help its
// recipient: whose it is, and what may still be sent from.
type Case struct {
	ID        ID
	Owner     Owner      // namespace, partition, anchor and binding only
	Address   Sealed     // of the recipient
	Letter    Sealed     // that another send may carry; "" once the verification has ended
	Elsewhere []Fallback // where else the code may go
}

// Allowance is what a recipient may do now.
type Allowance struct {
	Now         time.Time             // by the store's clock
	LockedUntil time.Time             // zero if not locked
	Silenced    map[Channel]time.Time // until when nothing is sent, where that is so
	WaitUntil   time.Time             // for the next send, by both cooldowns; zero if it may be asked for
	Daily       Usage                 // in this namespace
	AllDaily    Usage                 // in all
}

// Usage is how much of a quota is used up.
type Usage struct {
	Used    int
	ResetAt time.Time // zero if nothing is used
}

// Act is something that a member of the staff does, and why.
type Act struct {
	Actor  string
	Reason string // in their words; see CheckReason
}
