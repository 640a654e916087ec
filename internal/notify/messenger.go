package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Poster posts notices.
type Poster interface {
	// Post returns nil if the endpoint took the notice. Its errors are *Refusal,
	// ErrNoEndpoint, ErrPrivate, or what kept an answer from coming.
	Post(ctx context.Context, n Notice) error
}

// ErrNoEndpoint says that the endpoint of a notice is no longer configured.
var ErrNoEndpoint = errors.New("the endpoint is not configured any more")

// ErrPrivate says that the endpoint's address is none of the Internet, and that
// the configuration allows no other.
var ErrPrivate = errors.New("the endpoint's address is not a public one: set allow_private if it is meant")

// Refusal is an answer that is not in the 200s.
type Refusal struct {
	Status     int
	RetryAfter time.Duration // 0: the endpoint did not say
}

func (r *Refusal) Error() string { return fmt.Sprintf("the endpoint answered %d", r.Status) }

// RetryError brings a notice back after a while.
type RetryError struct {
	After time.Duration
	Tried bool // the endpoint was asked: it counts as a try
}

func (e *RetryError) Error() string { return "notice not taken, again in " + e.After.String() }

// schedule is how long after each try the next one comes: about three days in
// all, the first within seconds, for an endpoint that is being deployed, the
// last hours apart, for one that somebody has to mend.
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 20 * time.Hour,
}

const (
	// Each is how many notices an endpoint is posted by one worker at a time: one
	// that hangs holds no more than these up.
	Each = 16
	// A notice for whose endpoint there is no room comes back after as long as it
	// has waited already, within these bounds: however many wait for an endpoint that
	// hangs, they do not keep the workers and the queue busy.
	crowdedLeast = 2 * time.Second
	crowdedMost  = 5 * time.Minute
	// lifetime is after which a notice is dropped, however few its tries were.
	lifetime = 72 * time.Hour
)

// Outcomes of a notice's run. All but Retried are final.
const (
	Delivered = "delivered"
	Retried   = "retried"
	Dropped   = "dropped"
)

// Messenger posts queued notices, and decides when to try again and when to give
// up. It may be used by many goroutines at once. It is wired by app; every
// exported field is required.
type Messenger struct {
	Poster Poster
	Log    *slog.Logger
	Ended  func(endpoint, outcome string) // counts
	Now    func() time.Time               // time.Now

	mu   sync.Mutex
	busy map[string]int // notices on their way, by endpoint
}

// Deliver posts a notice that was tried so many times before. Nil means that
// there is nothing left to do; its only error is *RetryError.
func (m *Messenger) Deliver(ctx context.Context, n Notice, tries int) error {
	if !m.enter(n.Endpoint) {
		return m.crowded(ctx, n)
	}
	defer m.leave(n.Endpoint)
	err := m.Poster.Post(ctx, n)
	if err == nil {
		m.ended(ctx, n, Delivered, "")
		return nil
	}
	after, reason, again := m.judge(n, tries, err)
	if !again {
		m.ended(ctx, n, Dropped, reason)
		return nil
	}
	m.ended(ctx, n, Retried, reason)
	return &RetryError{After: after, Tried: true}
}

// crowded puts a notice off that nobody has time to post.
func (m *Messenger) crowded(ctx context.Context, n Notice) error {
	waited := m.Now().Sub(n.At)
	if waited > lifetime {
		m.ended(ctx, n, Dropped, "crowded")
		return nil
	}
	return &RetryError{After: min(max(waited, crowdedLeast), crowdedMost)}
}

// judge decides whether a notice is tried again, and when.
func (m *Messenger) judge(n Notice, tries int, err error) (after time.Duration, reason string, again bool) {
	reason = "no_answer"
	switch {
	case errors.Is(err, ErrNoEndpoint):
		return 0, "no_endpoint", false
	case errors.Is(err, ErrPrivate):
		reason = "private_address" // a name may be mended
	}
	r, refused := errors.AsType[*Refusal](err)
	if refused {
		reason = fmt.Sprintf("http_%d", r.Status)
	}
	if refused && r.Status == http.StatusGone || tries >= len(schedule) {
		return 0, reason, false
	}
	after = schedule[tries]
	if refused {
		after = max(after, r.RetryAfter)
	}
	return after, reason, m.Now().Add(after).Sub(n.At) <= lifetime
}

// ended counts and logs what became of a run.
func (m *Messenger) ended(ctx context.Context, n Notice, outcome, reason string) {
	m.Ended(n.Endpoint, outcome)
	level := slog.LevelWarn
	if outcome == Delivered {
		level = slog.LevelDebug
	}
	m.Log.LogAttrs(ctx, level, "notice", slog.String("outcome", outcome), slog.String("reason", reason),
		slog.String("endpoint", n.Endpoint), slog.String("notice", n.ID))
}

func (m *Messenger) enter(endpoint string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy[endpoint] >= Each {
		return false
	}
	if m.busy == nil {
		m.busy = map[string]int{}
	}
	m.busy[endpoint]++
	return true
}

func (m *Messenger) leave(endpoint string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy[endpoint]--
}
