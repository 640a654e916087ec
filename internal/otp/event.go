package otp

import "time"

// Event is a change of a verification's state, as the store's stream of its
// partition has it. It names nobody: the recipient is masked.
type Event struct {
	Entry        string // of the stream; no other event of the partition has it
	Partition    Partition
	At           time.Time // by the store's clock
	Kind         string    // such as "verification.approved" or "attempt.delivered"
	Verification ID
	Namespace    Namespace
	To           string // masked
	Send         int    // 0: it is about the verification
	Attempt      int    // 0: it is about the send
	Provider     string // of the attempt
	Reason       string // a short code; of an act, what its actor says of it
	Actor        string // who did it, if that was a member of the staff or an operator
	Caller       string // the name of the API key it was done with; "" if by a worker or the staff
	Request      string // the id of the request that caused it
	Client       string // the address that the request came from, where that is known
	Anchor       Anchor // of the recipient
	Way          Way    // in which somebody of the staff signed in or did not
}
