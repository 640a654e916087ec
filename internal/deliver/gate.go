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

const (
	gateEvery = time.Second            // between two looks at the standings
	gateLimit = 500 * time.Millisecond // for one of them
	// busyPause is when a send is tried again that found a provider with all the
	// hand-overs it may have.
	busyPause = time.Second
)

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

// standing is what was known of a provider at a time.
type standing struct {
	otp.Standing
	at time.Time
}

// Run keeps up with what operators and other workers say, until ctx ends.
// Without a store there is no news, and the last is believed.
func (g *Gate) Run(ctx context.Context) {
	for {
		g.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(gateEvery):
		}
	}
}

func (g *Gate) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, gateLimit)
	defer cancel()
	began := time.Now()
	all, err := g.Standings.Standings(ctx, g.Providers)
	if err != nil {
		g.Log.DebugContext(ctx, "standings of the providers not known", "error", err)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, s := range all {
		if mine := g.known[name]; mine.at.After(began) {
			continue // this worker has paused it meanwhile
		}
		g.know(name, standing{s, began})
	}
}

func (g *Gate) know(name string, s standing) {
	if g.known == nil {
		g.known = map[string]standing{}
	}
	if was, is := g.known[name].Drained != nil, s.Drained != nil; was != is {
		g.Log.Info("provider drained or resumed", "provider", name, "drained", is)
	}
	g.known[name] = s
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
	if wait := g.pace(ctx, l.Provider); wait > 0 {
		free()
		return nil, &ClosedError{l.Provider, "pace", wait}
	}
	done, wait := g.Breakers[l].Allow()
	if done == nil {
		free()
		return nil, &ClosedError{l.Provider, "open", wait}
	}
	return func(err error) {
		free()
		done(err)
		g.heed(l.Provider, err)
	}, nil
}

// Known is what was last heard of a provider, as it stands now.
func (g *Gate) Known(provider string) otp.Standing {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.known[provider].now()
}

// now is what is left of a standing by now.
func (s standing) now() otp.Standing {
	passed := time.Since(s.at)
	now := otp.Standing{Drained: s.Drained}
	if left := s.Paused - passed; left > 0 {
		now.Paused, now.PausedWhy = left, s.PausedWhy
	}
	for ch, d := range s.Tripped {
		if left := d - passed; left > 0 {
			if now.Tripped == nil {
				now.Tripped = map[otp.Channel]time.Duration{}
			}
			now.Tripped[ch] = left
		}
	}
	return now
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

// heed leaves a provider alone that wants to be, here at once and everywhere soon.
func (g *Gate) heed(provider string, err error) {
	if err == nil {
		return
	}
	f := otp.AsFault(provider, err)
	if f.RetryAfter <= 0 {
		return
	}
	g.mu.Lock()
	s := standing{g.known[provider].now(), time.Now()}
	if s.Paused < f.RetryAfter {
		s.Paused, s.PausedWhy = f.RetryAfter, f.Code
		g.know(provider, s)
	}
	g.mu.Unlock()
	g.Log.Warn("provider paused", "provider", provider, "reason", f.Code, "ms", f.RetryAfter.Milliseconds())
	ctx, cancel := context.WithTimeout(context.Background(), gateLimit)
	defer cancel()
	if err := g.Standings.Pause(ctx, provider, f.RetryAfter, f.Code); err != nil {
		g.Log.Warn("pause not told to other workers", "provider", provider, "error", err)
	}
}

// Tell passes on that a breaker has changed its mind: an open one advises the
// other workers, for as long as it stays open and a probe takes; a closed one
// takes the advice back. It does not wait for the store.
func (g *Gate) Tell(l Line, state string, open time.Duration) {
	g.Log.Warn("breaker", "provider", l.Provider, "channel", string(l.Channel), "state", state)
	advice := open + HandOver
	switch state {
	case "closed":
		advice = 0
		g.forget(l)
	case "half_open":
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), gateLimit)
		defer cancel()
		_ = g.Standings.Trip(ctx, l.Provider, l.Channel, advice) // advice only
	}()
}

// forget drops advice that this worker knows better: its provider works.
func (g *Gate) forget(l Line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := standing{g.known[l.Provider].now(), time.Now()}
	delete(s.Tripped, l.Channel)
	g.know(l.Provider, s)
}
