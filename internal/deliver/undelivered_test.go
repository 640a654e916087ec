package deliver_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
)

// doorbell keeps what is rung for.
type doorbell struct {
	mu   sync.Mutex
	rang []otp.Due
}

func (b *doorbell) Ring(_ context.Context, d otp.Due) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rang = append(b.rang, d)
}

// report hands a receipt to a desk, and returns what it rings for.
func (r *rig) report(rc otp.Receipt) []otp.Due {
	r.t.Helper()
	var b doorbell
	if _, err := (&deliver.Desk{Receipts: r.store, Ringer: &b}).Receive(r.t.Context(), rc); err != nil {
		r.t.Fatal(err)
	}
	return b.rang
}

// gaveUp is a vendor's report that it could not deliver an attempt.
func gaveUp(o otp.Order, provider string, attempt int, state otp.State) otp.Receipt {
	return otp.Receipt{Order: o, Attempt: attempt, Provider: provider, Ref: "ref-" + string(rune('0'+attempt)), State: state, Class: otp.FaultProvider, Reason: "vendor_30008"}
}

func TestWhatAProviderGivesUpGoesByTheNextWithTheSameCode(t *testing.T) {
	for _, state := range []otp.State{otp.Undelivered, otp.Failed} {
		t.Run(string(state), func(t *testing.T) {
			a, b := vendor("a", takes(otp.Accepted)), vendor("b", takes(otp.Accepted))
			r := newRig(t, a, b)
			o := r.sms()
			r.done(o)
			rang := r.report(gaveUp(o, "a", 1, state))
			if len(rang) != 1 || rang[0].Order != o || rang[0].Channel != otp.SMS || rang[0].Claims != 1 {
				t.Fatalf("rang for %v", rang)
			}
			if again := r.report(gaveUp(o, "a", 1, state)); len(again) > 0 {
				t.Fatal("rang twice for one report")
			}
			r.done(o)
			r.wrote(o, otp.Accepted, "a undelivered", "b accepted")
			b.given(t, 2)
			if one, two := a.got[0].message.Text, b.got[0].message.Text; one != two {
				t.Error("another text, so perhaps another code")
			}
			r.done(o) // whatever brings it back
			a.given(t, 1)
			b.given(t, 2)
		})
	}
}

func TestWhenAllHaveGivenItUpItEndsAsUndelivered(t *testing.T) {
	a, b := vendor("a", takes(otp.Accepted)), vendor("b", takes(otp.Accepted))
	r := newRig(t, a, b)
	o := r.sms()
	r.done(o)
	r.report(gaveUp(o, "a", 1, otp.Undelivered))
	r.done(o)
	r.report(gaveUp(o, "b", 2, otp.Undelivered))
	r.done(o)
	r.wrote(o, otp.Undelivered, "a undelivered", "b undelivered")
	if reason := r.reason(o, 0); reason != "route_spent" {
		t.Errorf("reason %q", reason)
	}
	for range 3 {
		r.pass(20 * time.Second)
		r.done(o)
	}
	a.given(t, 1)
	b.given(t, 2)
}

func TestWhatWasGivenUpIsSentByNobodyWhere(t *testing.T) {
	for name, change := range map[string]func(r *rig, o otp.Order, rc *otp.Receipt){
		"the code is dead":            func(r *rig, _ otp.Order, _ *otp.Receipt) { r.pass(5 * time.Minute) },
		"too little of its life left": func(r *rig, _ otp.Order, _ *otp.Receipt) { r.pass(5*time.Minute - 10*time.Second) },
		"it was canceled": func(r *rig, o otp.Order, _ *otp.Receipt) {
			if err := r.store.Cancel(r.t.Context(), o.ID); err != nil {
				r.t.Fatal(err)
			}
		},
		"a later send has the code": func(r *rig, _ otp.Order, _ *otp.Receipt) {
			r.pass(61 * time.Second)
			r.start(phone(number))
		},
		"the recipient is at fault": func(_ *rig, _ otp.Order, rc *otp.Receipt) { rc.Class = otp.FaultRecipient },
		"it was another's message":  func(_ *rig, _ otp.Order, rc *otp.Receipt) { rc.Ref = "ref-9" },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := vendor("a", takes(otp.Accepted)), vendor("b", takes(otp.Accepted))
			r := newRig(t, a, b)
			o := r.sms()
			r.done(o)
			rc := gaveUp(o, "a", 1, otp.Undelivered)
			change(r, o, &rc)
			if rang := r.report(rc); len(rang) > 0 {
				t.Errorf("rang for %v", rang)
			}
			r.done(o)
			a.given(t, 1)
			b.given(t)
		})
	}
}

func TestWhatAnotherProviderMayStillDeliverIsSentByNobodyElse(t *testing.T) {
	a, b, c := vendor("a", refuses(otp.FaultUnknown)), vendor("b", takes(otp.Accepted)), vendor("c", takes(otp.Accepted))
	r := newRig(t, a, b, c)
	o := r.sms()
	r.again(o, 4*time.Second)
	r.pass(4 * time.Second)
	r.done(o)
	rc := gaveUp(o, "a", 1, otp.Undelivered)
	if rang := r.report(rc); len(rang) > 0 {
		t.Error("rang, though b has it")
	}
	r.done(o)
	r.wrote(o, otp.Accepted, "a undelivered", "b accepted")
	c.given(t)
}

func TestAReportThatComesBeforeTheAnswerDoesNotSendTwice(t *testing.T) {
	var r *rig
	var o otp.Order
	a := vendor("a", first(func() { r.report(gaveUp(o, "a", 1, otp.Undelivered)) }, takes(otp.Accepted)))
	b := vendor("b", takes(otp.Accepted))
	r = newRig(t, a, b)
	o = r.sms()
	_ = r.courier.Deliver(t.Context(), o)
	for range 3 {
		r.pass(13 * time.Second)
		_ = r.courier.Deliver(t.Context(), o)
	}
	a.given(t, 1)
	b.given(t, 2)
	r.wrote(o, otp.Accepted, "a undelivered", "b accepted")
}

// inquirer is a vendor that can be asked.
type inquirer struct {
	*provider
	state otp.State
	err   error
	asked []string
}

func (i *inquirer) Inquire(_ context.Context, ref string) (otp.Receipt, error) {
	i.asked = append(i.asked, ref)
	return otp.Receipt{State: i.state, Class: otp.FaultProvider, Reason: "vendor_30008"}, i.err
}

func TestAProviderThatSaysNothingIsAskedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		says otp.State
		err  error
		want otp.State
	}{
		"and says it has arrived":   {says: otp.Delivered, want: otp.Delivered},
		"and says it has not":       {says: otp.Undelivered, want: otp.Undelivered},
		"and says it is on its way": {says: otp.Sent, want: otp.Unknown},
		"and does not answer":       {err: &otp.Fault{Class: otp.FaultProvider, Provider: "a"}, want: otp.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			a := &inquirer{provider: vendor("a", takes(otp.Accepted)), state: c.says, err: c.err}
			r := newRig(t, a.provider)
			r.courier.Inquirers = map[string]otp.Inquirer{"a": a}
			o := r.sms()
			r.done(o)
			r.pass(time.Minute)
			r.done(o) // a task that asynq has run again
			if len(a.asked) > 0 {
				t.Fatal("asked too early")
			}
			r.wrote(o, otp.Accepted, "a accepted")
			r.pass(62 * time.Second)
			for range 4 {
				_ = r.courier.Deliver(t.Context(), o)
				r.pass(20 * time.Second)
			}
			if len(a.asked) != 1 || a.asked[0] != "ref-1" {
				t.Fatalf("asked for %v", a.asked)
			}
			a.given(t, 1)
			r.wrote(o, c.want, "a "+string(c.want))
		})
	}
}

func TestAProviderThatCannotBeAskedLeavesItUnknown(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	o := r.sms()
	r.done(o)
	r.pass(2*time.Minute + time.Second)
	r.done(o)
	r.wrote(o, otp.Unknown, "a unknown")
	r.report(otp.Receipt{Order: o, Attempt: 1, Provider: "a", Ref: "ref-1", State: otp.Delivered})
	r.wrote(o, otp.Delivered, "a delivered") // better late than never
}

func TestOneWhoAsksAndDiesLeavesItUnknown(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	o := r.sms()
	r.done(o)
	r.pass(2*time.Minute + time.Second)
	if c, ok, err := r.store.Claim(t.Context(), o, "dies"); err != nil || !ok || !c.Ask {
		t.Fatal(c, ok, err)
	}
	r.done(o)
	r.wrote(o, otp.Accepted, "a accepted") // it may still answer
	r.pass(13 * time.Second)
	r.done(o)
	r.wrote(o, otp.Unknown, "a unknown")
}

func TestAMailIsNotAskedAfter(t *testing.T) {
	a := vendor("a", takes(otp.Sent))
	r := newRig(t, a)
	o := r.start(email()).Order
	r.done(o)
	for range 3 {
		r.pass(2 * time.Minute)
		r.done(o)
	}
	r.wrote(o, otp.Sent, "a sent")
}

func TestAnAnswerThatCameTooLateIsAskedAfterToo(t *testing.T) {
	a := &inquirer{provider: vendor("a", takes(otp.Accepted)), state: otp.Delivered}
	r := newRig(t, a.provider)
	r.courier.Inquirers = map[string]otp.Inquirer{"a": a}
	o := r.sms()
	c, ok, err := r.store.Claim(t.Context(), o, "slow")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, err := r.store.Begin(t.Context(), c, 1, "a"); err != nil {
		t.Fatal(err)
	}
	r.pass(13 * time.Second) // its lease is over
	if _, ok, err := r.store.Claim(t.Context(), o, "another"); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, err := r.store.Finish(t.Context(), otp.Outcome{Order: o, Attempt: 1, State: otp.Accepted, Ref: "ref-late"}); err != nil {
		t.Fatal(err)
	}
	r.pass(2*time.Minute + time.Second)
	r.done(o)
	if len(a.asked) != 1 || a.asked[0] != "ref-late" {
		t.Errorf("asked for %v", a.asked)
	}
	r.wrote(o, otp.Delivered, "a delivered")
}
