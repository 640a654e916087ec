package support

import "github.com/otpipe/otpipe/internal/otp"

// Sums are what was asked for in a while, and what became of it.
type Sums struct {
	Opened   int // verifications
	Approved int // of these

	Sends       int
	Delivered   int // known to have arrived; of a mail: a relay took it, which is mostly the last that is heard
	Unconfirmed int // taken by a provider that has said no more, or nobody knows
	Lost        int // refused by all, or given up by the one who took it
	Unsent      int // ended before anybody took it: no longer needed, or nobody to be sent to

	Delays otp.Delays // until they were delivered
}

func newSums() Sums { return Sums{Delays: otp.Delays{}} }

// Waiting is on how many sends work is left.
func (s Sums) Waiting() int {
	return max(0, s.Sends-s.Delivered-s.Unconfirmed-s.Lost-s.Unsent)
}

// Conversion is the share of the verifications that were approved; ok is false if
// there were none.
func (s Sums) Conversion() (share float64, ok bool) {
	if s.Opened == 0 {
		return 0, false
	}
	return float64(s.Approved) / float64(s.Opened), true
}

func (s *Sums) add(t otp.Tally) {
	s.Opened += t.Opened
	s.Approved += t.Approved
	s.Sends += t.Sends()
	s.Delays.Add(t.Delays)
	for at, n := range t.Stand {
		switch {
		case at.State == otp.Delivered, at.State == otp.Accepted && t.Channel == otp.Email:
			s.Delivered += n
		case at.State == otp.Accepted, at.State == otp.Unknown:
			s.Unconfirmed += n
		case at.State == otp.Failed, at.State == otp.Undelivered:
			s.Lost += n
		default:
			s.Unsent += n
		}
	}
}

// Deeds are what a provider did with what it was given.
type Deeds struct {
	Took      int // sends that it has, whatever it said later
	Delivered int // of these, as it says
	GaveUp    int // of these
	Refused   int // hand-overs that it refused, or never answered
}

func addDeeds(all map[string]Deeds, t otp.Tally) {
	for at, n := range t.Stand {
		d := all[at.Provider]
		switch at.State {
		case otp.Delivered:
			d.Took, d.Delivered = d.Took+n, d.Delivered+n
		case otp.Undelivered:
			d.Took, d.GaveUp = d.Took+n, d.GaveUp+n
		case otp.Accepted:
			d.Took += n
		}
		all[at.Provider] = d
	}
	for provider, n := range t.Refused {
		d := all[provider]
		d.Refused += n
		all[provider] = d
	}
}
