package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	claim   = load("claim")
	sending = load("sending")
	outcome = load("outcome")
	receipt = load("receipt")
)

// Claim takes a send for the time of Lease. ok is false if there is nothing to
// do: it has ended, or another worker holds it.
func (s *Store) Claim(ctx context.Context, o otp.Order, holder string) (c otp.Claim, ok bool, err error) {
	p := o.ID.Partition()
	r, err := s.run(ctx, claim, verificationKey(o.ID), p.String(), string(o.ID), o.Send, holder, ms(Lease), ms(LeastLife))
	if err != nil || r.text(0) != "claimed" {
		return otp.Claim{}, false, err
	}
	c = otp.Claim{
		Order: o, Holder: holder,
		Owner: otp.Owner{Namespace: otp.Namespace(r.text(1)), Partition: p, Anchor: otp.Anchor(r.text(2))},
		Code:  otp.Sealed(r.text(3)), Letter: otp.Sealed(r.text(4)),
		Left: r.duration(5), AskedAt: r.at(6),
	}
	c.Attempts, err = attempts([]byte(r.text(7)))
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
func (s *Store) Finish(ctx context.Context, o otp.Outcome) (open bool, err error) {
	pause := int64(-1)
	if o.Retry >= 0 {
		pause = ms(o.Retry)
	}
	r, err := s.run(ctx, outcome, verificationKey(o.Order.ID), o.Order.ID.Partition().String(), string(o.Order.ID), o.Order.Send,
		o.Attempt, o.Holder, string(o.State), o.Ref, o.Reason, string(o.Class), silence(o.Class, o.Permanent), pause, ms(LeastLife))
	return r.text(0) == "open", err
}

// Receive writes down a receipt.
func (s *Store) Receive(ctx context.Context, rc otp.Receipt) (otp.Reception, error) {
	r, err := s.run(ctx, receipt, verificationKey(rc.Order.ID), rc.Order.ID.Partition().String(), string(rc.Order.ID), rc.Order.Send,
		rc.Attempt, rc.Provider, rc.Ref, string(rc.State), rc.Reason, string(rc.Class), silence(rc.Class, rc.Permanent))
	return otp.Reception{Moved: r.text(0) == "moved", Channel: otp.Channel(r.text(1)), After: r.duration(2)}, err
}

// silence is for how long a fault keeps a channel shut, in ms.
func silence(c otp.Class, permanent bool) int64 {
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
