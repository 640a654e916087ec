package verify

import (
	"slices"
	"sync"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// mostSpare is how many recipients a process remembers while it counts itself. When
// there are more, nobody else gets a guess.
const mostSpare = 100_000

// spare counts guesses while the store cannot: what one process knows. Others know
// nothing of it, so that each adds its own guesses to those that there may be.
type spare struct {
	mu    sync.Mutex
	tries map[string]tries
}

// tries are a recipient's, in a namespace.
type tries struct {
	made  int
	used  []otp.Slot // the tickets that were good
	until time.Time
}

// count counts a guess, and tells how many more there may be; fresh is false of one
// too many, and of a ticket that was good before.
func (s *spare) count(g otp.Guess, held otp.Sealable, right bool, now time.Time) (left int, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := string(g.Owner.Namespace) + " " + string(g.Owner.Anchor) + " " + string(g.Owner.Binding)
	t, known := s.tries[who]
	if !known && len(s.tries) >= mostSpare && !s.forget(now) {
		return 0, false
	}
	if now.After(t.until) {
		t = tries{until: now.Add(g.Policy.MaxLife)}
	}
	t.made++
	left = max(0, g.Policy.MaxChecks-t.made)
	fresh = t.made <= g.Policy.MaxChecks && !slices.Contains(t.used, held.Slot)
	if right && fresh {
		t.used = append(t.used, held.Slot)
	}
	if s.tries == nil {
		s.tries = map[string]tries{}
	}
	s.tries[who] = t
	return left, fresh
}

// forget makes room, and tells whether there is some.
func (s *spare) forget(now time.Time) bool {
	for who, t := range s.tries {
		if now.After(t.until) {
			delete(s.tries, who)
		}
	}
	return len(s.tries) < mostSpare
}
