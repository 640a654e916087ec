package deliver

import (
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// next is the route in the order to try. After an answer that never came the
// provider that owes it goes last; one that took the message and gave it up is
// not asked again.
func next(route []string, attempts []otp.Attempt) []string {
	if len(attempts) == 0 {
		return route
	}
	if last := attempts[len(attempts)-1]; last.State == otp.Unknown {
		i := slices.Index(route, last.Provider)
		route = slices.Concat(route[i+1:], route[:i+1])
	}
	return slices.DeleteFunc(slices.Clone(route), func(p string) bool {
		return slices.ContainsFunc(attempts, func(a otp.Attempt) bool { return a.Provider == p && a.State == otp.Undelivered })
	})
}

// round is one walk over a route.
type round struct {
	made   int           // attempts
	closed int           // providers that were not to be used
	soon   time.Duration // when the first of them may be
	busy   bool          // one of them only has as much to do as it may
}

// busyRounds is how often a send waits for a provider that is only busy before
// the code goes to another address.
const busyRounds = 3

// shortest is the shortest pause for providers that may be used again soon: they
// would be busy with all that have waited for the same moment.
const shortest = time.Second

// late keeps a send from coming back just before a provider may be used.
const late = 100 * time.Millisecond

func (r *round) skip(e *ClosedError) {
	if r.closed == 0 || e.For < r.soon {
		r.soon = e.For
	}
	r.closed++
	r.busy = r.busy || e.Why == "pace" || e.Why == "busy"
}

// waits tells whether the send had better wait for a provider that works.
func (r *round) waits(claim otp.Claim) bool {
	return r.made == 0 && r.busy && claim.Rounds < busyRounds
}

// pause is when the next round is due. Providers that say when they will be free
// are tried then, unless the send waits for others that have refused it.
func (r *round) pause(claim otp.Claim) time.Duration {
	usual := pause(claim.Rounds)
	if r.made > 0 || r.soon == 0 {
		return usual
	}
	return max(shortest, min(r.soon+late, longest))
}

// reason says what keeps the send, where no attempt does.
func (r *round) reason(providers int) string {
	switch {
	case providers == 0:
		return "no_route"
	case r.made == 0:
		return "no_provider_open"
	default:
		return ""
	}
}

const longest = 15 * time.Second

// pause is how long a send rests after every provider refused it: 1, 2, 4, 8,
// then 15 s, by the rounds it has had.
func pause(rounds int) time.Duration {
	if rounds > 3 {
		return longest
	}
	return time.Second << rounds
}
