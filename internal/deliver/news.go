package deliver

import (
	"context"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	newsEvery = time.Second            // between two looks at the standings
	newsLimit = 500 * time.Millisecond // for one of them, and for telling one
)

// standing is what was known of a provider at a time.
type standing struct {
	otp.Standing
	at time.Time
}

// Run keeps up with what operators and other workers say, until ctx ends.
// Without a store there is no news, and the last is believed.
func (g *Gate) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(newsEvery):
			g.Learn(ctx)
		}
	}
}

// Learn asks once how the providers stand. A worker does so before it delivers
// anything: what an operator has drained must not get a first message from it.
func (g *Gate) Learn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, newsLimit)
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

// forget drops advice that this worker knows better: its provider works.
func (g *Gate) forget(l Line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := standing{g.known[l.Provider].now(), time.Now()}
	delete(s.Tripped, l.Channel)
	g.know(l.Provider, s)
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
	ctx, cancel := context.WithTimeout(context.Background(), newsLimit)
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
		ctx, cancel := context.WithTimeout(context.Background(), newsLimit)
		defer cancel()
		_ = g.Standings.Trip(ctx, l.Provider, l.Channel, advice) // advice only
	}()
}
