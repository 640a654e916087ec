// Package breaker keeps hand-overs from a provider that fails, with
// github.com/sony/gobreaker. It runs in the worker; each worker's breakers are
// its own.
package breaker

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/otpipe/otpipe/internal/otp"
)

// Settings say when a breaker opens. It counts what is the provider's fault, and
// answers that never came, within a rolling window.
type Settings struct {
	Failures int           // in a row that open it
	Ratio    float64       // of failures among the window's outcomes that opens it, 0 to 1
	Least    int           // outcomes in the window before the ratio counts
	Window   time.Duration // how long an outcome counts
	Open     time.Duration // before a hand-over may find out whether the provider works again
	Probes   int           // of those at a time, and in a row that close it
}

// buckets is in how many steps the window rolls.
const buckets = 10

// Breaker is one provider's, on one channel. It may be used by many goroutines
// at once.
type Breaker struct {
	inner *gobreaker.TwoStepCircuitBreaker[struct{}]
	open  time.Duration
	limit time.Duration
	since atomic.Int64 // when it was opened last
}

// New makes a closed breaker. A hand-over that has not told within limit how it
// went has failed: otherwise one that hangs would keep the only probe there may
// be. changed is told of every new state, from a goroutine of its own.
func New(s Settings, limit time.Duration, changed func(state string)) *Breaker {
	b := &Breaker{open: s.Open, limit: limit}
	b.inner = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: uint32(s.Probes),
		Interval:    s.Window, BucketPeriod: s.Window / buckets, Timeout: s.Open,
		ReadyToTrip:  s.trips,
		IsSuccessful: succeeded,
		IsExcluded:   saysNothing,
		OnStateChange: func(_ string, _, to gobreaker.State) { // with the breaker locked
			if to == gobreaker.StateOpen {
				b.since.Store(time.Now().UnixNano())
			}
			go changed(name(to))
		},
	})
	return b
}

func (s Settings) trips(c gobreaker.Counts) bool {
	outcomes := c.TotalSuccesses + c.TotalFailures
	return int(c.ConsecutiveFailures) >= s.Failures ||
		int(outcomes) >= s.Least && float64(c.TotalFailures) >= s.Ratio*float64(outcomes)
}

// crowded is when to come back while others find out whether the provider works.
const crowded = time.Second

// Allow admits a hand-over: done wants to be told once how it went, with the
// error of Send, or context.Canceled if it did not take place. While none is
// admitted done is nil, and wait is when to come back.
func (b *Breaker) Allow() (done func(error), wait time.Duration) {
	tell, err := b.inner.Allow()
	switch {
	case errors.Is(err, gobreaker.ErrOpenState):
		return nil, max(0, b.open-time.Since(time.Unix(0, b.since.Load())))
	case err != nil:
		return nil, crowded
	}
	timer := time.AfterFunc(b.limit, func() { tell(context.DeadlineExceeded) })
	return func(err error) {
		if timer.Stop() {
			tell(err)
		}
	}, 0
}

// State is one of deliver.BreakerStates.
func (b *Breaker) State() string { return name(b.inner.State()) }

func name(s gobreaker.State) string {
	switch s {
	case gobreaker.StateClosed:
		return "closed"
	case gobreaker.StateHalfOpen:
		return "half_open"
	default:
		return "open"
	}
}

// succeeded tells whether the provider works: also if it says, rightly, that a
// recipient cannot be reached.
func succeeded(err error) bool {
	return err == nil || otp.AsFault("", err).Class == otp.FaultRecipient
}

// saysNothing tells whether an outcome says nothing about the provider: it has
// too much to do, it minds what we sent, or the hand-over did not take place.
func saysNothing(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, context.Canceled) {
		return true
	}
	class := otp.AsFault("", err).Class
	return class == otp.FaultThrottled || class == otp.FaultUs
}
