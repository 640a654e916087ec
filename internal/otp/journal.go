package otp

import (
	"slices"
	"time"
)

// Step is one line of a journal: what happened to a verification, or to one of
// its sends or attempts. It holds neither a code nor an address.
type Step struct {
	At       time.Time
	Send     int // 0: the verification itself
	Attempt  int // 0: the send itself
	State    string
	Provider string
	Ref      string // the provider's own name for the message
	Reason   string // a short code, never a vendor's sentence
}

// Attempt is one hand-over to one provider.
type Attempt struct {
	Provider string
	State    State
	Ref      string
}

// SendRecord is one order to deliver, as the store tells it.
type SendRecord struct {
	Channel  Channel
	State    State // Queued while work is left, Accepted once handed over, else final
	AskedAt  time.Time
	Refunded bool   // its cooldown was given back
	Masked   string // of another address that it went to; "" if to the verification's
	Attempts []Attempt
}

// Status is the state to show: Delivered if any attempt is; else the newest
// attempt's while the send is under way or was taken; else how it ended. A
// send that waits for its next attempt after a refusal is Queued again.
func (s SendRecord) Status() State {
	taken, silent := s.State == Accepted, false
	for _, a := range s.Attempts {
		if a.State == Delivered {
			return Delivered
		}
		taken = taken || a.State == Accepted || a.State == Sent || a.State == Undelivered
		silent = silent || a.State == Unknown
	}
	switch {
	case len(s.Attempts) == 0 || s.State == Unknown && silent:
		return s.State
	case s.State == Queued:
		return s.underWay()
	case taken:
		return s.newestTaken()
	default:
		return s.State
	}
}

// underWay is the state of a send on which work is left.
func (s SendRecord) underWay() State {
	switch newest := s.Attempts[len(s.Attempts)-1].State; newest {
	case Failed, Undelivered:
		return Queued
	default:
		return newest
	}
}

// newestTaken is the state of the newest attempt that somebody is known to have
// taken. The answer may have come after the attempt was given up as unknown, and
// while another provider was asked by a worker that has told no more.
func (s SendRecord) newestTaken() State {
	for _, a := range slices.Backward(s.Attempts) {
		if a.State != Failed && a.State != Unknown && a.State != Sending {
			return a.State
		}
	}
	return Accepted
}

// Provider names the provider of the newest attempt, or "".
func (s SendRecord) Provider() string {
	if len(s.Attempts) == 0 {
		return ""
	}
	return s.Attempts[len(s.Attempts)-1].Provider
}

// History is a verification and all that happened to it.
type History struct {
	ID         ID
	Namespace  Namespace
	Masked     string
	Channel    Channel // of the newest send
	Status     Status
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LockedTill time.Time // zero if not locked
	Checks     int       // made
	MaxChecks  int
	MaxSends   int
	Sends      []SendRecord
	Steps      []Step
	Now        time.Time // when this was read, by the store's clock
}

// Mention names one of a recipient's verifications.
type Mention struct {
	ID        ID
	Namespace Namespace
}

// SendsLeft is how many more sends the verification may have.
func (h History) SendsLeft() int { return max(0, h.MaxSends-len(h.Sends)) }

// Newest is the newest send.
func (h History) Newest() SendRecord {
	if len(h.Sends) == 0 {
		return SendRecord{State: Queued}
	}
	return h.Sends[len(h.Sends)-1]
}

// ResendAt is when the next send may be asked for, as far as the namespace's
// cooldown goes.
func (h History) ResendAt(p Policy) time.Time {
	n := h.Newest()
	if n.Refunded {
		return n.AskedAt
	}
	return n.AskedAt.Add(p.Cooldown)
}
