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
}

// Outcome is what became of one hand-over.
type Outcome struct {
	Order     Order
	Attempt   int
	Holder    string
	State     State // Accepted, Sent, Failed or Unknown
	Ref       string
	Reason    string
	Class     Class // of a fault
	Permanent bool  // with FaultRecipient: suppress the channel
	// Retry is when the send is due again if this was its last attempt for
	// now; negative while the holder goes on with another provider.
	Retry time.Duration
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
