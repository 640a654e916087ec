package otp

import (
	"math"
	"slices"
	"time"
)

// Tally counts what was asked for in one hour, in a namespace and on a channel,
// and what has become of that since.
type Tally struct {
	Hour      time.Time // its beginning, UTC
	Namespace Namespace
	Channel   Channel
	Opened    int // verifications whose first send went by this channel
	Approved  int // of these
	Resent    int // further sends, those to another address too
	Stand     map[Standpoint]int
	Refused   map[string]int // hand-overs that did not succeed, or of which nobody knows, by provider
	Delays    Delays         // until a text was delivered, or a mail relay took the mail
}

// Standpoint is how a send stands and by which provider's doing, "" if none had a
// part in it. Accepted stands for Sent too: a provider has it and has said no more.
type Standpoint struct {
	State    State
	Provider string
}

// Sends is how many there were.
func (t Tally) Sends() int { return t.Opened + t.Resent }

// Delays counts durations by size, so coarsely that a day's are a few numbers: the
// key k stands for those from 2^(k/2) ms to less than 2^((k+1)/2).
type Delays map[int]int

// Add adds other's counts.
func (d Delays) Add(other Delays) {
	for k, n := range other {
		d[k] += n
	}
}

// Count is how many durations there are.
func (d Delays) Count() (n int) {
	for _, in := range d {
		n += in
	}
	return n
}

// Quantile is the duration that a share of all does not exceed, within a fifth or
// so; zero if there are none.
func (d Delays) Quantile(share float64) time.Duration {
	wanted := share * float64(d.Count())
	if wanted == 0 {
		return 0
	}
	keys := make([]int, 0, len(d))
	for k, n := range d {
		if n > 0 {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for i, k := range keys {
		n := float64(d[k])
		if wanted <= n || i == len(keys)-1 {
			exponent := (float64(k) + min(1, wanted/n)) / 2
			return time.Duration(math.Exp2(exponent) * float64(time.Millisecond))
		}
		wanted -= n
	}
	return 0
}
