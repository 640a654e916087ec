// Package deliver gets codes to recipients. Courier, Gate and Watch run in the
// worker, Desk and Providers in the api; they meet only in the store.
package deliver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
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
	// Admit charges the limits of a recipient to whom the code shall go too; limit
	// says which of them is used up.
	Admit(ctx context.Context, o otp.Order, to otp.Owner, ch otp.Channel, p otp.Policy, also []otp.Bucket) (limit string, err error)
	// Turn has the code go to the first of the other addresses, or strikes that
	// out for a limit. next is the send that was staged; more is another address
	// to be tried; state is how the send ended, otp.Queued if it is to be put down.
	Turn(ctx context.Context, c otp.Claim, to otp.Owner, limit string) (next *otp.Due, more *otp.Fallback, state otp.State, err error)
	// Rest puts a claimed send down for a while, or for good if pause is
	// negative; so it does if its code will not live that long. reason says what
	// keeps it, if that is not an attempt.
	Rest(ctx context.Context, c otp.Claim, pause time.Duration, reason string) (open bool, state otp.State, err error)
	// Withhold ends a claimed send whose letter is a decoy.
	Withhold(ctx context.Context, c otp.Claim) (ended bool, err error)
}

// Composer writes a letter out.
type Composer interface {
	// Compose fills in the texts of the message that carries code.
	Compose(ns otp.Namespace, l otp.Letter, code otp.Code, left time.Duration) (otp.Message, error)
}

// RetryError brings a send back after a while: no provider took it, and its
// code still lives.
type RetryError struct{ After time.Duration }

func (e *RetryError) Error() string { return "no provider took it, again in " + e.After.String() }

// HandOver is how long one hand-over may take at the most: it ends before the
// lease does, so that its outcome is written by the worker that still holds it.
const HandOver = 8 * time.Second

// margin is what is left of a lease or a code when a hand-over must have ended.
const margin = time.Second

// grace is how long a receipt may still say what became of a hand-over whose
// answer never came, before another provider is asked.
const grace = 3 * time.Second

// finishPatience is how long the outcome of a hand-over is kept and offered to
// a store that does not answer.
const finishPatience = 30 * time.Second

// finishPause is the longest rest between two offers. It is part of what the
// watch waits for after an outage, see watchCalm: what is known is written down
// before anybody takes a send whose lease has ended meanwhile.
const finishPause = 200 * time.Millisecond

// restPatience is how long a store may take to put a send down, also if its task
// has been broken off meanwhile: otherwise the lease must run out first.
const restPatience = 3 * time.Second

// Courier hands sends over. It is wired by app; every field is required.
type Courier struct {
	Sends      Sends
	Receipts   Receipts
	Composer   Composer
	Keys       otp.Keys
	Routes     otp.Routes
	Providers  map[string]otp.Provider // by the names that routes have
	Inquirers  map[string]otp.Inquirer // those of them that can be asked
	Gate       *Gate
	Ringer     Ringer
	Policies   map[otp.Namespace]otp.Policy
	Rates      []otp.Rate
	Prices     otp.Prices
	Country    func(otp.Recipient) string // of a number; "" if it belongs to none
	Partitions int
	Stopping   <-chan struct{}              // closed: no new hand-over begins
	Ended      func(otp.Channel, otp.State) // counts a send that this worker ended
	Log        *slog.Logger
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
	if claim.Ask {
		return c.inquire(ctx, claim)
	}
	letter, code, err := c.open(claim)
	if err != nil {
		return c.rest(ctx, claim, "", pause(claim.Rounds), "sealed_with_unknown_key")
	}
	if letter.Decoy {
		return c.withhold(ctx, claim, letter.To.Channel())
	}
	msg, err := c.Composer.Compose(claim.Owner.Namespace, letter, code, claim.Left)
	if err != nil {
		return c.rest(ctx, claim, letter.To.Channel(), pause(claim.Rounds), "template")
	}
	if claim.Turn && claim.Fallback != nil {
		return c.turn(ctx, claim, letter.To.Channel(), 0, "")
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

// withhold sends nothing, which is what a decoy is for.
func (c *Courier) withhold(ctx context.Context, claim otp.Claim, ch otp.Channel) error {
	ended, err := c.Sends.Withhold(ctx, claim)
	if err != nil {
		return fmt.Errorf("withhold %s: %w", claim.Order, err)
	}
	if ended {
		c.Ended(ch, otp.SendSuppressed)
	}
	return nil
}

// walk asks the providers of the route in turn until one takes the message, or
// one says that none will.
func (c *Courier) walk(ctx context.Context, claim otp.Claim, msg otp.Message) error {
	ch := msg.To.Channel()
	names := c.Routes.For(claim.Owner.Namespace, msg.To)
	route := next(names, claim.Attempts)
	if len(names) > 0 && len(route) == 0 {
		return c.spent(ctx, claim, ch, -1, "route_spent")
	}
	var r round
	for _, name := range route {
		if c.stopping() {
			return c.rest(ctx, claim, ch, 0, "")
		}
		msg.Attempt = len(claim.Attempts) + r.made + 1
		out, err := c.attempt(ctx, claim, msg, name)
		closed, isClosed := errors.AsType[*ClosedError](err)
		switch {
		case isClosed:
			r.skip(closed)
			continue
		case errors.Is(err, otp.ErrLeaseLost):
			return nil
		case err != nil:
			return err
		}
		r.made++
		open, err := c.finish(ctx, out)
		if err != nil {
			return err
		}
		if !open {
			c.Ended(ch, out.State)
			return nil
		}
		switch {
		case out.Class == otp.FaultRecipient, out.State == otp.Unknown && unknown(claim.Attempts):
			return c.spent(ctx, claim, ch, 0, "") // open, so there is another address
		case out.State == otp.Unknown:
			return c.await(ctx, claim, ch)
		}
	}
	if r.waits(claim) {
		return c.rest(ctx, claim, ch, r.pause(claim), r.reason(len(names)))
	}
	return c.spent(ctx, claim, ch, r.pause(claim), r.reason(len(names)))
}

// attempt hands the message to a provider, if it may be given one now.
func (c *Courier) attempt(ctx context.Context, claim otp.Claim, msg otp.Message, name string) (out otp.Outcome, err error) {
	leave, err := c.Gate.Enter(ctx, Line{name, msg.To.Channel()})
	if err != nil {
		return out, err
	}
	fault := context.Canceled // until there is more to tell
	defer func() { leave(fault) }()
	out, fault, err = c.handOver(ctx, claim, msg, c.Providers[name])
	return out, err
}

// handOver makes one attempt. It is written down before and after, so that a
// crash in between may send the same code twice but never loses the trace of it.
func (c *Courier) handOver(ctx context.Context, claim otp.Claim, msg otp.Message, p otp.Provider) (out otp.Outcome, fault, err error) {
	asked := time.Now() // the lease runs from here at the earliest
	left, err := c.Sends.Begin(ctx, claim, msg.Attempt, p.Name())
	if err != nil {
		return out, context.Canceled, err
	}
	msg.Left = left
	ctx, cancel := context.WithDeadline(ctx, asked.Add(min(HandOver, left-margin)))
	defer cancel()
	began := time.Now()
	got, fault := p.Send(ctx, msg)
	out = outcome(p.Name(), got, fault)
	out.Order, out.Attempt, out.Provider, out.Channel = claim.Order, msg.Attempt, p.Name(), msg.To.Channel()
	c.report(ctx, p.Name(), out, time.Since(began))
	return out, fault, nil
}

// outcome is what an answer means, but for the attempt it belongs to.
func outcome(provider string, got otp.Acceptance, err error) (out otp.Outcome) {
	if err == nil {
		out.State, out.Ref = otp.Accepted, got.Ref
		if got.State == otp.Sent {
			out.State = otp.Sent
		}
		return out
	}
	fault := otp.AsFault(provider, err)
	out.State, out.Reason, out.Class, out.Permanent = otp.Failed, fault.Code, fault.Class, fault.Permanent
	if fault.Class == otp.FaultUnknown {
		out.State = otp.Unknown
	}
	return out
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

// await gives a receipt the time to say what became of a hand-over. The queue
// counts in whole seconds, and must not come back before that time is over.
func (c *Courier) await(ctx context.Context, claim otp.Claim, ch otp.Channel) error {
	err := c.rest(ctx, claim, ch, grace, "")
	if again, ok := errors.AsType[*RetryError](err); ok {
		again.After += time.Second
	}
	return err
}

// rest puts a send down and asks to be called again, unless that was its end.
func (c *Courier) rest(ctx context.Context, claim otp.Claim, ch otp.Channel, pause time.Duration, reason string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restPatience)
	defer cancel()
	open, state, err := c.Sends.Rest(ctx, claim, pause, reason)
	if err != nil {
		return fmt.Errorf("put %s down: %w", claim.Order, err)
	}
	if open {
		return &RetryError{After: pause}
	}
	if ch != "" && state != "" {
		c.Ended(ch, state)
	}
	return nil
}

func (c *Courier) stopping() bool {
	select {
	case <-c.Stopping:
		return true
	default:
		return false
	}
}
