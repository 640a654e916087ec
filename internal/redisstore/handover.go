package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	claim    = load("claim")
	sending  = load("sending")
	outcome  = load("outcome")
	rest     = load("rest")
	withhold = load("withhold")
	receipt  = load("receipt")
)

// Claim takes a send for the time of Lease. ok is false if there is nothing to
// do: it has ended, or another worker holds it.
func (s *Store) Claim(ctx context.Context, o otp.Order, holder string) (c otp.Claim, ok bool, err error) {
	p := o.ID.Partition()
	r, err := s.run(ctx, claim, verificationKey(o.ID), p.String(), string(o.ID), o.Send, holder, ms(Lease), ms(LeastLife))
	if err != nil {
		return otp.Claim{}, false, err
	}
	c = otp.Claim{Order: o, Holder: holder}
	switch r.text(0) {
	case "ask":
		c.Ask = true
		c.Attempts, err = attempts([]byte(r.text(1)))
	case "claimed":
		c.Owner = otp.Owner{Namespace: otp.Namespace(r.text(1)), Partition: p, Anchor: otp.Anchor(r.text(2))}
		c.Code, c.Letter = otp.Sealed(r.text(3)), otp.Sealed(r.text(4))
		c.Left, c.AskedAt = r.duration(5), r.at(6)
		c.Attempts, err = attempts([]byte(r.text(7)))
		c.Rounds = int(r.number(8))
		c.Turn, c.Fallback = r.text(9) == "1", fallback(r.text(10))
	default:
		return otp.Claim{}, false, nil
	}
	return c, err == nil, err
}

// Begin is the last look before attempt is handed to a provider. left is how
// long the code still lives; its error is otp.ErrLeaseLost when nothing may be
// handed over, for whatever reason.
func (s *Store) Begin(ctx context.Context, c otp.Claim, attempt int, provider string) (left time.Duration, err error) {
	r, err := s.run(ctx, sending, verificationKey(c.Order.ID), c.Order.ID.Partition().String(), string(c.Order.ID), c.Order.Send,
		attempt, provider, c.Holder, ms(Lease), ms(LeastLife))
	if err != nil {
		return 0, err
	}
	if r.text(0) != "go" {
		return 0, fmt.Errorf("begin %s.%d: %w", c.Order, attempt, otp.ErrLeaseLost)
	}
	return r.duration(1), nil
}

// Finish writes down what became of a hand-over. open tells whether work is left.
// It promises as much as a start: what was accepted is not sent again by those who
// come after a fail-over.
func (s *Store) Finish(ctx context.Context, o otp.Outcome) (open bool, err error) {
	r, err := s.runDurable(ctx, outcome, verificationKey(o.Order.ID), o.Order.ID.Partition().String(), string(o.Order.ID), o.Order.Send,
		o.Attempt, string(o.State), o.Ref, o.Reason, string(o.Class), shut(o.Class, o.Permanent), s.askAfter(), o.Provider)
	if err == nil {
		err = s.silence(ctx, r.text(2), r.text(3), o.Channel, o.Class, o.Permanent)
	}
	return r.text(0) == "open", err
}

// Rest puts a claimed send down for a while, or for good if pause is negative;
// so it does if its code will not live that long. reason says what keeps it, if
// that is not an attempt. state is how it ended, unless it is open.
func (s *Store) Rest(ctx context.Context, c otp.Claim, pause time.Duration, reason string) (open bool, state otp.State, err error) {
	id := c.Order.ID
	wait := int64(-1)
	if pause >= 0 {
		wait = ms(pause)
	}
	r, err := s.run(ctx, rest, verificationKey(id), id.Partition().String(), string(id), c.Order.Send, c.Holder, reason, wait, ms(LeastLife))
	return r.text(0) == "open", otp.State(r.text(1)), err
}

// Withhold ends a claimed send whose letter is a decoy. ended is false if another
// worker has it by now, or it has ended otherwise.
func (s *Store) Withhold(ctx context.Context, c otp.Claim) (ended bool, err error) {
	id := c.Order.ID
	r, err := s.run(ctx, withhold, verificationKey(id), id.Partition().String(), string(id), c.Order.Send, c.Holder)
	return len(r) > 0, err
}

// Receive writes down a receipt.
func (s *Store) Receive(ctx context.Context, rc otp.Receipt) (otp.Reception, error) {
	r, err := s.run(ctx, receipt, verificationKey(rc.Order.ID), rc.Order.ID.Partition().String(), string(rc.Order.ID), rc.Order.Send,
		rc.Attempt, rc.Provider, rc.Ref, string(rc.State), rc.Reason, string(rc.Class), shut(rc.Class, rc.Permanent),
		ms(LeastLife), ms(patience), s.askAfter())
	got := otp.Reception{Moved: r.text(0) == "moved", Channel: otp.Channel(r.text(1)), After: r.duration(2)}
	if claims := r.number(3); got.Moved && claims >= 0 {
		got.Due = &otp.Due{Order: rc.Order, Channel: got.Channel, Claims: int(claims)}
	}
	if err == nil {
		err = s.silence(ctx, r.text(4), r.text(5), got.Channel, rc.Class, rc.Permanent)
	}
	return got, err
}

// shut is for how long a fault keeps a channel shut, in ms.
func shut(c otp.Class, permanent bool) int64 {
	if c == otp.FaultRecipient && permanent {
		return ms(suppression)
	}
	return 0
}

func attempts(b []byte) ([]otp.Attempt, error) {
	var wire []struct {
		P, St, Ref string
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return nil, fmt.Errorf("redis: read attempts: %w", err)
	}
	var all []otp.Attempt
	for _, a := range wire {
		all = append(all, otp.Attempt{Provider: a.P, State: otp.State(a.St), Ref: a.Ref})
	}
	return all, nil
}
