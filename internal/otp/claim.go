package otp

import "time"

// Claim is a send that a worker holds for the time of a lease.
type Claim struct {
	Order    Order
	Holder   string
	Owner    Owner // namespace, partition and anchor only
	Code     Sealed
	Letter   Sealed
	Left     time.Duration // how long the code still lives
	AskedAt  time.Time     // when the send was asked for
	Attempts []Attempt     // so far
	Rounds   int           // how often it was claimed before
	// Fallback is the next of the other addresses that the code may go to; nil if
	// there is none.
	Fallback *Fallback
	// Turn: nobody will deliver to this address; Fallback is to be used at once.
	Turn bool
	// Ask: nothing is to be sent. The providers that took the message have not
	// said what became of it, and are to be asked; only Attempts is set.
	Ask bool
}

// Outcome is what became of one hand-over.
type Outcome struct {
	Order     Order
	Attempt   int
	Provider  string
	Channel   Channel
	State     State // Accepted, Sent, Failed or Unknown
	Ref       string
	Reason    string
	Class     Class // of a fault
	Permanent bool  // with FaultRecipient: suppress the channel
}

// Due is what the watch has to look after: a send nobody holds, or, with
// Send = 0, a verification whose code may have expired.
type Due struct {
	Order   Order
	Channel Channel
	Claims  int    // so far: names the queue's task, so that a dead worker's cannot block it
	Overdue bool   // found by the watch: somebody should have done it
	Trace   string // the request that staged the send, as a W3C traceparent; "" if none is traced
}
