// Package deliver gets codes to recipients. Courier and Watch run in the worker,
// Desk in the api; they meet only in the store.
package deliver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Sends is the store's side of a hand-over. It is used by many goroutines at once.
type Sends interface {
	// Claim takes a send for the time of a lease; ok is false if there is
	// nothing to do.
	Claim(ctx context.Context, o otp.Order, holder string) (c otp.Claim, ok bool, err error)
	// Begin is called right before each hand-over. It fails with
	// otp.ErrLeaseLost when nothing may be handed over any more.
	Begin(ctx context.Context, c otp.Claim, attempt int, provider string) (left time.Duration, err error)
	// Finish writes down what became of it; open tells whether work is left.
	Finish(ctx context.Context, o otp.Outcome) (open bool, err error)
}

// Composer writes a letter out.
type Composer interface {
	// Compose fills in the texts of the message that carries code.
	Compose(ns otp.Namespace, l otp.Letter, code otp.Code, left time.Duration) (otp.Message, error)
}

// RetryError brings a send back after a while: every provider refused it, and
// its code still lives.
type RetryError struct{ After time.Duration }

func (e *RetryError) Error() string { return "every provider refused, again in " + e.After.String() }

// HandOver is how long one hand-over may take at the most: it ends before the
// lease does, so that its outcome is written by the worker that still holds it.
const HandOver = 8 * time.Second

// margin is what is left of a lease or a code when a hand-over must have ended.
const margin = time.Second

// finishPatience is how long the outcome of a hand-over is kept and offered to
// a store that does not answer.
const finishPatience = 30 * time.Second

// finishPause is the longest rest between two offers. It is shorter than the
// watch's first step after an outage: what is known is written down before
// anybody takes a send whose lease has ended meanwhile.
const finishPause = 200 * time.Millisecond

// nobody stands for the provider where the message never reached one.
const nobody = "otpipe"

// Courier hands sends over. It is wired by app; every field is required.
type Courier struct {
	Sends    Sends
	Composer Composer
	Keys     otp.Keys
	Routes   map[otp.Channel][]otp.Provider // in order of preference
	Stopping <-chan struct{}                // closed: no new hand-over begins
	Ended    func(otp.Channel, otp.State)   // counts a send that this worker ended
	Log      *slog.Logger
}

// Deliver does one order. Nil means there is nothing left for a worker to do,
// and the journal says why; *RetryError asks to be called again later; another
// error is the store's, and the watch brings the order back.
func (c *Courier) Deliver(ctx context.Context, o otp.Order) error {
	if c.stopping() {
		return &RetryError{} // at once, by a worker that stays
	}
	claim, ok, err := c.Sends.Claim(ctx, o, rand.Text())
	if err != nil || !ok {
		return err
	}
	letter, code, err := c.open(claim)
	if err != nil {
		return c.giveUp(ctx, claim, "sealed_with_unknown_key")
	}
	msg, err := c.Composer.Compose(claim.Owner.Namespace, letter, code, claim.Left)
	if err != nil {
		return c.giveUp(ctx, claim, "template")
	}
	msg.Order, msg.To, msg.At = o, letter.To, claim.AskedAt
	return c.walk(ctx, claim, msg)
}

func (c *Courier) open(claim otp.Claim) (l otp.Letter, code otp.Code, err error) {
	if l, err = c.Keys.OpenLetter(claim.Owner, claim.Letter); err != nil {
		return l, code, err
	}
	code, err = c.Keys.OpenCode(claim.Owner, claim.Code)
	return l, code, err
}

// walk asks the providers of the route in turn until one takes the message, or
// one says that none will.
func (c *Courier) walk(ctx context.Context, claim otp.Claim, msg otp.Message) error {
	route := next(c.Routes[msg.To.Channel()], claim.Attempts)
	if len(route) == 0 {
		return c.giveUp(ctx, claim, "no_route")
	}
	rest := pause(len(claim.Attempts), len(route))
	for i, p := range route {
		msg.Attempt = len(claim.Attempts) + i + 1
		out, err := c.handOver(ctx, claim, msg, p)
		if errors.Is(err, otp.ErrLeaseLost) {
			return nil
		}
		if err != nil {
			return err
		}
		// After an answer that never came the lease is kept to its end: a receipt
		// may still say that the message is on its way.
		if out.State != otp.Unknown && (i == len(route)-1 || c.stopping()) {
			out.Retry = rest
		}
		open, err := c.finish(ctx, out)
		if err != nil {
			return err
		}
		if !open {
			c.Ended(msg.To.Channel(), out.State)
		}
		if !open || out.State == otp.Unknown {
			return nil
		}
		if out.Retry >= 0 {
			break
		}
	}
	return &RetryError{After: rest}
}

// next is the route in the order to try. After an answer that never came the
// provider that owes it goes last.
func next(route []otp.Provider, attempts []otp.Attempt) []otp.Provider {
	if len(attempts) == 0 || attempts[len(attempts)-1].State != otp.Unknown {
		return route
	}
	silent := attempts[len(attempts)-1].Provider
	i := slices.IndexFunc(route, func(p otp.Provider) bool { return p.Name() == silent })
	return slices.Concat(route[i+1:], route[:i+1])
}

// handOver makes one attempt. It is written down before and after, so that a
// crash in between may send the same code twice but never loses the trace of it.
func (c *Courier) handOver(ctx context.Context, claim otp.Claim, msg otp.Message, p otp.Provider) (out otp.Outcome, err error) {
	asked := time.Now() // the lease runs from here at the earliest
	left, err := c.Sends.Begin(ctx, claim, msg.Attempt, p.Name())
	if err != nil {
		return otp.Outcome{}, err
	}
	msg.Left = left
	ctx, cancel := context.WithDeadline(ctx, asked.Add(min(HandOver, left-margin)))
	defer cancel()
	out = otp.Outcome{Order: claim.Order, Attempt: msg.Attempt, Holder: claim.Holder, Retry: -1}
	began := time.Now()
	defer func() { c.report(ctx, p.Name(), out, time.Since(began)) }()
	got, err := p.Send(ctx, msg)
	if err == nil {
		out.State, out.Ref = otp.Accepted, got.Ref
		if got.State == otp.Sent {
			out.State = otp.Sent
		}
		return out, nil
	}
	fault := otp.AsFault(p.Name(), err)
	out.State, out.Reason, out.Class, out.Permanent = otp.Failed, fault.Code, fault.Class, fault.Permanent
	if fault.Class == otp.FaultUnknown {
		out.State = otp.Unknown
	}
	return out, nil
}

// report logs what became of a hand-over.
func (c *Courier) report(ctx context.Context, provider string, out otp.Outcome, took time.Duration) {
	level := slog.LevelInfo
	if out.State == otp.Failed || out.State == otp.Unknown {
		level = slog.LevelWarn
	}
	c.Log.Log(ctx, level, "hand-over", "order", out.Order.String(), "attempt", out.Attempt,
		"provider", provider, "state", string(out.State), "class", string(out.Class), "reason", out.Reason, "ms", took.Milliseconds())
}

// finish writes an outcome down. A message that was accepted must be known to
// be, or the next worker sends it again: finish outlives the task's context and
// a store that is away for a while.
func (c *Courier) finish(ctx context.Context, out otp.Outcome) (open bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishPatience)
	defer cancel()
	for rest := 50 * time.Millisecond; ; rest = min(2*rest, finishPause) {
		if open, err = c.Sends.Finish(ctx, out); err == nil {
			return open, nil
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("write outcome of %s.%d: %w", out.Order, out.Attempt, err)
		case <-time.After(rest):
		}
	}
}

// giveUp writes down that this process cannot write the message out, as a
// failed attempt of its own. Another may be able to: it has a newer key, or a
// newer template.
func (c *Courier) giveUp(ctx context.Context, claim otp.Claim, reason string) error {
	attempt, rest := len(claim.Attempts)+1, pause(len(claim.Attempts), 1)
	_, err := c.Sends.Begin(ctx, claim, attempt, nobody)
	if errors.Is(err, otp.ErrLeaseLost) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = c.finish(ctx, otp.Outcome{
		Order: claim.Order, Attempt: attempt, Holder: claim.Holder,
		State: otp.Failed, Reason: reason, Class: otp.FaultUs, Retry: rest,
	})
	if err != nil {
		return err
	}
	return &RetryError{After: rest}
}

func (c *Courier) stopping() bool {
	select {
	case <-c.Stopping:
		return true
	default:
		return false
	}
}

// pause is how long a send rests after every provider refused it: 1, 2, 4, 8,
// then 15 s, by the rounds it has had.
func pause(attempts, providers int) time.Duration {
	round := attempts / providers
	if round > 3 {
		return 15 * time.Second
	}
	return time.Second << round
}
