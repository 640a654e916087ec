package chaos_test

import (
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"
)

// promise is a code that was asked for and answered 202.
type promise struct {
	to, id string
	asked  time.Time // before the request
}

// arrival is a message that a vendor took and that reached its recipient.
type arrival struct {
	vendor, code string
	at           time.Time
}

// ledger knows what was promised, by the API's answers, and what arrived, by the
// vendors' own records.
type ledger struct {
	mu       sync.Mutex
	promises map[string]promise   // by recipient: nobody is promised two
	arrivals map[string][]arrival // by recipient, the oldest first
}

func newLedger() *ledger {
	return &ledger{promises: map[string]promise{}, arrivals: map[string][]arrival{}}
}

func (l *ledger) promise(p promise) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.promises[p.to] = p
}

var codeForm = regexp.MustCompile(`\b\d{4,10}\b`)

// arrive writes down a message whose text holds a code.
func (l *ledger) arrive(vendor, to, body string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrivals[to] = append(l.arrivals[to], arrival{vendor, codeForm.FindString(body), time.Now()})
}

// promised lists all promises in the order in which they were asked for.
func (l *ledger) promised() []promise {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.promises), func(a, b promise) int { return a.asked.Compare(b.asked) })
}

// of is what one recipient has got.
func (l *ledger) of(to string) []arrival {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.arrivals[to])
}

// everything is what all recipients have got, also those who were promised nothing.
func (l *ledger) everything() map[string][]arrival {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := maps.Clone(l.arrivals)
	for to, got := range all {
		all[to] = slices.Clone(got)
	}
	return all
}

// reached is how many of some recipients have got something.
func (l *ledger) reached(to []string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range to {
		if len(l.arrivals[one]) > 0 {
			n++
		}
	}
	return n
}

// slowest is the longest that any of some recipients waited for a message.
func (l *ledger) slowest(to []string) (longest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range to {
		if got := l.arrivals[one]; len(got) > 0 {
			longest = max(longest, got[0].at.Sub(l.promises[one].asked))
		}
	}
	return longest
}

// last is when a vendor's last message arrived.
func (l *ledger) last(vendor string) (at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, got := range l.arrivals {
		for _, a := range got {
			if a.vendor == vendor && a.at.After(at) {
				at = a.at
			}
		}
	}
	return at
}
