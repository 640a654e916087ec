package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
)

// What interrupts a courier: a store that is away, a lease that is lost, a task
// that is broken off, a worker that stops.

func TestAnOutcomeIsWrittenOnceTheStoreIsBack(t *testing.T) {
	for name, applied := range map[string]bool{"the command was lost": false, "its answer was lost": true} {
		t.Run(name, func(t *testing.T) {
			a, b := vendor("a", takes(otp.Accepted)), vendor("b", takes(otp.Accepted))
			r := newRig(t, a, b)
			r.courier.Sends = &shaky{Sends: r.store, finish: otp.ErrStoreUnavailable, finishes: 3, applied: applied}
			o := r.sms()
			r.done(o)
			r.wrote(o, otp.Accepted, "a accepted")
			r.pass(13 * time.Second)
			r.done(o)
			a.given(t, 1)
			b.given(t)
		})
	}
}

func TestARefusalWhoseAnswerWasLostIsWrittenOnceAndTheNextProviderIsAsked(t *testing.T) {
	a, b := vendor("a", refuses(otp.FaultProvider)), vendor("b", refuses(otp.FaultProvider))
	r := newRig(t, a, b)
	r.courier.Sends = &shaky{Sends: r.store, finish: otp.ErrStoreUnavailable, finishes: 1, applied: true}
	o := r.sms()
	r.again(o, time.Second)
	r.wrote(o, otp.Queued, "a failed", "b failed")
	r.courier.Sends = &shaky{Sends: r.store, finish: otp.ErrStoreUnavailable, finishes: 2, applied: true}
	r.again(o, 2*time.Second)
	a.given(t, 1, 3)
	b.given(t, 2, 4)
	if n := r.log.count(`"hand-over"`); n != 4 {
		t.Errorf("%d lines for 4 hand-overs", n)
	}
}

func TestAnOutcomeOutlivesTheTask(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := vendor("a", first(cancel, takes(otp.Accepted)))
	r := newRig(t, a)
	o := r.sms()
	if err := r.courier.Deliver(ctx, o); err != nil {
		t.Fatal(err)
	}
	r.wrote(o, otp.Accepted, "a accepted")
}

func TestATaskThatIsBrokenOffInAHandOverIsAnAnswerThatNeverCame(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := vendor("a", func(ctx context.Context, _ otp.Message) (otp.Acceptance, error) {
		cancel()
		<-ctx.Done()
		return otp.Acceptance{}, fmt.Errorf("post to %s: %w", number, ctx.Err())
	})
	b := vendor("b", takes(otp.Accepted))
	r := newRig(t, a, b)
	o := r.sms()
	if _, again := errors.AsType[*deliver.RetryError](r.courier.Deliver(ctx, o)); !again {
		t.Fatal("it is not tried again")
	}
	r.wrote(o, otp.Unknown, "a unknown")
	b.given(t)
}

func TestWithoutTheStoreNothingIsHandedOver(t *testing.T) {
	for name, s := range map[string]*shaky{"at the claim": {claim: otp.ErrStoreUnavailable}, "at the hand-over": {begin: otp.ErrStoreUnavailable}} {
		t.Run(name, func(t *testing.T) {
			a := vendor("a", takes(otp.Accepted))
			r := newRig(t, a)
			s.Sends, r.courier.Sends = r.store, s
			o := r.sms()
			err := r.courier.Deliver(t.Context(), o)
			if _, again := errors.AsType[*deliver.RetryError](err); again || !errors.Is(err, otp.ErrStoreUnavailable) {
				t.Fatal(err)
			}
			a.given(t)
			r.courier.Sends = r.store
			r.pass(13 * time.Second)
			r.done(o)
			a.given(t, 1)
		})
	}
}

func TestALeaseLostBeforeTheHandOverStopsIt(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	o := r.sms()
	r.courier.Composer = composing{Composer: r.courier.Composer, do: func() {
		r.pass(13 * time.Second)
		if _, ok, err := r.store.Claim(t.Context(), o, "another"); err != nil || !ok {
			t.Error("the other worker did not get it", err)
		}
	}}
	r.done(o)
	a.given(t)
	r.wrote(o, otp.Queued)
}

func TestALeaseLostInAHandOverStopsTheNext(t *testing.T) {
	b := vendor("b", takes(otp.Accepted))
	var r *rig
	var o otp.Order
	a := vendor("a", first(func() {
		r.pass(13 * time.Second)
		if _, ok, err := r.store.Claim(t.Context(), o, "another"); err != nil || !ok {
			t.Error("the other worker did not get it", err)
		}
	}, refuses(otp.FaultProvider)))
	r = newRig(t, a, b)
	o = r.sms()
	r.done(o)
	a.given(t, 1)
	b.given(t)
}

func TestAWorkerThatStopsClaimsNothing(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	store := &shaky{Sends: r.store}
	r.courier.Sends = store
	o := r.sms()
	close(r.stopping)
	r.again(o, 0)
	a.given(t)
	if n := store.calls.Load(); n != 0 {
		t.Fatalf("%d calls of the store", n)
	}
}

func TestAWorkerThatStopsFinishesItsHandOverAndBeginsNoOther(t *testing.T) {
	b := vendor("b", takes(otp.Accepted))
	var r *rig
	a := vendor("a", first(func() { close(r.stopping) }, refuses(otp.FaultProvider)), takes(otp.Accepted))
	r = newRig(t, a, b)
	o := r.sms()
	r.again(o, 0) // by another worker, at once
	a.given(t, 1)
	b.given(t)
	r.wrote(o, otp.Queued, "a failed")
	r.courier.Stopping = nil // a worker that stays
	r.done(o)
	a.given(t, 1, 2)
	r.wrote(o, otp.Accepted, "a failed", "a accepted")
}

func TestGivingUpLosesToWhoeverHasTheSendByNow(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	o := r.sms()
	whole := r.courier.Composer
	r.courier.Composer = composing{err: errors.New("no"), do: func() {
		r.pass(13 * time.Second)
		if _, ok, err := r.store.Claim(t.Context(), o, "another"); err != nil || !ok {
			t.Error("the other worker did not get it", err)
		}
	}}
	r.again(o, time.Second)
	r.wrote(o, otp.Queued)
	r.courier.Composer = whole
	r.done(o) // the other's lease
	a.given(t)
}
