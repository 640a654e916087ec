package deliver

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Standings is what all workers know of the providers.
type Standings interface {
	// Standings tells how these providers stand, by name.
	Standings(ctx context.Context, providers []string) (map[string]otp.Standing, error)
	// Pause leaves a provider alone for a while; a longer pause stays.
	Pause(ctx context.Context, provider string, d time.Duration, why string) error
	// Trip advises all workers not to try a provider on a channel; zero takes
	// the advice back.
	Trip(ctx context.Context, provider string, ch otp.Channel, d time.Duration) error
	// Pace takes one of the hand-overs that a provider may have in a second. wait
	// is how long there is none left.
	Pace(ctx context.Context, provider string, perSecond float64) (wait time.Duration, err error)
}

// Breaker keeps hand-overs from a provider that fails; see breaker.Breaker. It
// is used by many goroutines at once.
type Breaker interface {
	// Allow admits a hand-over, and wants to be told once how it went. done is nil
	// while none is admitted; wait is how long that will be.
	Allow() (done func(error), wait time.Duration)
	// State is one of BreakerStates.
	State() string
}

// BreakerStates are those in which a breaker admits all hand-overs, some, or none.
var BreakerStates = []string{"closed", "half_open", "open"}

// Line is a provider on a channel.
type Line struct {
	Provider string
	Channel  otp.Channel
}

// Limit is how much a provider may be given. The zero value is no limit.
type Limit struct {
	PerSecond   float64 // by all workers together
	Concurrency int     // hand-overs at a time, by one worker
}

// busyPause is when a send is tried again that found a provider with all the
// hand-overs it may have.
const busyPause = time.Second

// ClosedError says that a provider is not to be used now.
type ClosedError struct {
	Provider string
	Why      string        // "drained", "paused", "open", "tripped", "pace" or "busy"
	For      time.Duration // how long at the least, as far as it is known; else 0
}

func (e *ClosedError) Error() string { return fmt.Sprintf("%s is %s", e.Provider, e.Why) }

// Gate decides which providers may be given a message now: not one that an
// operator has drained, that wants to be left alone, that fails, or that has as
// much to do as it may. Every worker has one. It is wired by app; every field
// is required.
type Gate struct {
	Standings Standings
	Providers []string
	Breakers  map[Line]Breaker
	Limits    map[string]Limit
	Log       *slog.Logger

	mu    sync.Mutex
	known map[string]standing
	slots map[string]chan struct{}
}

// Enter lets a hand-over begin. leave wants to be told once how it went, nil if
// it did not take place after all. The error is *ClosedError.
func (g *Gate) Enter(ctx context.Context, l Line) (leave func(error), err error) {
	if closed := g.closed(l); closed != nil {
		return nil, closed
	}
	free, ok := g.slot(l.Provider)
	if !ok {
		return nil, &ClosedError{l.Provider, "busy", busyPause}
	}
	done, wait := g.Breakers[l].Allow()
	if done == nil {
		free()
		return nil, &ClosedError{l.Provider, "open", wait}
	}
	if wait := g.pace(ctx, l.Provider); wait > 0 {
		free()
		done(context.Canceled)
		return nil, &ClosedError{l.Provider, "pace", wait}
	}
	return func(err error) {
		free()
		done(err)
		g.heed(l.Provider, err)
	}, nil
}

// closed tells what is known to stand against a hand-over. Advice is for workers
// who have not found out for themselves: one whose own breaker has opened goes by
// that. Whoever advises is about to find out when the time of a hand-over is left.
func (g *Gate) closed(l Line) *ClosedError {
	s := g.Known(l.Provider)
	switch tripped := s.Tripped[l.Channel]; {
	case s.Drained != nil:
		return &ClosedError{Provider: l.Provider, Why: "drained"}
	case s.Paused > 0:
		return &ClosedError{l.Provider, "paused", s.Paused}
	case tripped > 0 && g.Breakers[l].State() == "closed":
		return &ClosedError{l.Provider, "tripped", max(time.Second, tripped-HandOver)}
	}
	return nil
}

// slot takes one of the hand-overs that a provider may have at a time.
func (g *Gate) slot(provider string) (free func(), ok bool) {
	most := g.Limits[provider].Concurrency
	if most == 0 {
		return func() {}, true
	}
	g.mu.Lock()
	if g.slots == nil {
		g.slots = map[string]chan struct{}{}
	}
	if g.slots[provider] == nil {
		g.slots[provider] = make(chan struct{}, most)
	}
	slots := g.slots[provider]
	g.mu.Unlock()
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, true
	default:
		return nil, false
	}
}

// pace asks for one of the second's hand-overs. A store that does not answer
// keeps none back: it will not let the hand-over begin either.
func (g *Gate) pace(ctx context.Context, provider string) time.Duration {
	rate := g.Limits[provider].PerSecond
	if rate == 0 {
		return 0
	}
	wait, err := g.Standings.Pace(ctx, provider, rate)
	if err != nil {
		return 0
	}
	return wait
}
