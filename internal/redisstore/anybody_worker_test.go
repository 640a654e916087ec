package redisstore_test

import (
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

type phase int

const (
	idle phase = iota
	holds
	handsOver
)

// worker does with the store what deliver.Courier does, one command at a time. It
// may die between any two of them.
type worker struct {
	*world
	phase    phase
	claim    otp.Claim
	attempt  int  // the next, or the one under way
	silent   bool // an answer never came before
	diligent bool // does not die, and its vendor takes everything
	lives    int
}

func (o *worker) step() {
	if o.phase != idle && !o.diligent && o.one(12) {
		o.note("%s dies", o.claim.Holder)
		o.phase = idle
		return
	}
	switch o.phase {
	case idle:
		o.take(pick(o.world, o.orders...))
	case holds:
		o.goOn()
	case handsOver:
		o.finish()
	}
}

func (o *worker) take(order otp.Order) {
	o.lives++
	holder := string(rune('a'+o.index())) + string(rune('0'+o.lives%10)) + string(rune('0'+o.lives/10%10))
	c, ok, err := o.store.Claim(o.t.Context(), order, holder)
	o.must(err)
	o.note("%s claims %s: %t, ask %t, turn %t, %v", holder, order, ok, c.Ask, c.Turn, c.Attempts)
	switch {
	case !ok:
	case c.Ask:
		o.inquire(c)
	default:
		o.claim, o.attempt, o.phase, o.silent = c, len(c.Attempts)+1, holds, false
		for _, a := range c.Attempts {
			o.silent = o.silent || a.State == otp.Unknown
		}
	}
}

func (o *worker) index() int {
	for i, other := range o.workers {
		if other == o {
			return i
		}
	}
	return -1
}

// goOn is what a worker that holds a send does next.
func (o *worker) goOn() {
	switch {
	case o.claim.Turn && o.claim.Fallback != nil:
		o.turn()
	case !o.diligent && o.one(5):
		o.putDown(pick(o.world, -1, 0, time.Second, 8*time.Second))
	case !o.diligent && o.one(5):
		o.spent(time.Second)
	default:
		o.begin()
	}
}

func (o *worker) begin() {
	h := handed{o.claim.Order, o.attempt}
	_, err := o.store.Begin(o.t.Context(), o.claim, o.attempt, vendorOf(o.attempt))
	o.note("%s begins %v: %v", o.claim.Holder, h, err)
	if err != nil {
		o.phase = idle
		return
	}
	o.mayBegin(h, o.claim)
	if o.one(10) { // the network repeats the command
		_, _ = o.store.Begin(o.t.Context(), o.claim, o.attempt, vendorOf(o.attempt))
	}
	o.phase, o.begun[h], o.told[h] = handsOver, time.Duration(o.ahead.Load()), ""
}

// finish tells how a hand-over went.
func (o *worker) finish() {
	h := handed{o.claim.Order, o.attempt}
	out := otp.Outcome{
		Order: h.order, Attempt: h.attempt, Channel: otp.SMS,
		State: pick(o.world, otp.Accepted, otp.Accepted, otp.Sent, otp.Failed, otp.Failed, otp.Unknown),
		Class: pick(o.world, otp.FaultProvider, otp.FaultProvider, otp.FaultRecipient, otp.FaultUs), Reason: "r", Permanent: o.one(20),
	}
	switch {
	case o.diligent, out.State == otp.Accepted, out.State == otp.Sent:
		out.Ref, out.Reason, out.Class = refOf(h), "", ""
		if o.diligent {
			out.State = otp.Accepted
		}
	case out.State == otp.Unknown:
		out.Class = otp.FaultUnknown
	}
	open, err := o.store.Finish(o.t.Context(), out)
	o.must(err)
	if o.one(10) {
		open, err = o.store.Finish(o.t.Context(), out)
		o.must(err)
	}
	o.note("%s finishes %v: %s %s, open %t", o.claim.Holder, h, out.State, out.Class, open)
	delete(o.begun, h)
	if out.State == otp.Accepted || out.State == otp.Sent {
		o.learn(h, otp.Accepted)
	} else if out.State == otp.Failed && o.told[h] == "" {
		delete(o.told, h)
	}
	o.attempt++
	switch {
	case !open:
		o.phase = idle
	case out.Class == otp.FaultRecipient, out.State == otp.Unknown && o.silent:
		o.spent(0)
	case out.State == otp.Unknown:
		o.putDown(3 * time.Second)
	default:
		o.phase = holds
	}
}

func (o *worker) putDown(pause time.Duration) {
	open, state, err := o.store.Rest(o.t.Context(), o.claim, pause, pick(o.world, "", "no_provider_open"))
	o.must(err)
	o.note("%s puts %s down for %s: open %t %s", o.claim.Holder, o.claim.Order, pause, open, state)
	o.phase = idle
}

func (o *worker) spent(pause time.Duration) {
	if o.claim.Fallback == nil {
		o.putDown(pause)
		return
	}
	o.turn()
}

func (o *worker) turn() {
	o.phase = idle
	limit := ""
	for f := o.claim.Fallback; f != nil; {
		if o.one(4) {
			limit = "cooldown"
		}
		next, more, state, err := o.store.Turn(o.t.Context(), o.claim, o.otherOwner(), limit)
		o.must(err)
		o.note("%s turns %s for %q: next %v, more %t, %s", o.claim.Holder, o.claim.Order, limit, next, more != nil, state)
		if next != nil {
			o.mayTurn(o.claim.Order)
			o.orders = append(o.orders, next.Order)
		}
		if state == otp.Queued {
			o.putDown(time.Second)
		}
		if f = more; f != nil && !o.diligent && o.one(8) {
			return // dies
		}
	}
}

// inquire asks a vendor who may know nothing.
func (o *worker) inquire(c otp.Claim) {
	for i, a := range c.Attempts {
		if a.State != otp.Accepted && a.State != otp.Sent {
			continue
		}
		if !o.diligent && o.one(6) {
			return // dies
		}
		state := otp.Unknown
		if !o.diligent {
			state = pick(o.world, otp.Unknown, otp.Delivered, otp.Undelivered)
		}
		o.receipt(handed{c.Order, i + 1}, state)
	}
}
