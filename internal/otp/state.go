package otp

// Status is how a verification stands.
type Status string

// The statuses of a verification. All but Pending are final.
const (
	Pending  Status = "pending"
	Approved Status = "approved"
	Expired  Status = "expired"
	Canceled Status = "canceled"
	Locked   Status = "locked"
)

// State is how far a send or one of its attempts has come.
type State string

// The states of an attempt, and of a send that has one. A state only moves
// towards a higher rank; SMTP's 250 is Sent, and nothing but a positive report
// from further on is Delivered.
const (
	Queued      State = "queued"      // waits for a worker
	Sending     State = "sending"     // is being handed to a provider
	Accepted    State = "accepted"    // the provider took it
	Sent        State = "sent"        // the carrier or the next mail server took it
	Unknown     State = "unknown"     // the answer never came
	Undelivered State = "undelivered" // was taken, and given up
	Failed      State = "failed"      // nobody took it
	Delivered   State = "delivered"   // arrived
)

// The states of a send without an accepted attempt that came to an end.
const (
	SendExpired    State = "expired"    // the code died first
	SendCanceled   State = "canceled"   // the caller changed their mind
	SendSuperseded State = "superseded" // a later send or the end of the verification came first
	SendSuppressed State = "suppressed" // the recipient cannot be reached on this channel
)

var rank = map[State]int{Queued: 0, Sending: 1, Accepted: 2, Sent: 3, Unknown: 4, Undelivered: 5, Failed: 5, Delivered: 6}

// Rank orders the states of an attempt. -1 is no state of an attempt.
func (s State) Rank() int {
	if r, ok := rank[s]; ok {
		return r
	}
	return -1
}
