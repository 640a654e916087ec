package deliver_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
)

func TestAnAcceptedSendIsDoneAndNeverHandedOverAgain(t *testing.T) {
	for _, state := range []otp.State{otp.Accepted, otp.Sent} {
		t.Run(string(state), func(t *testing.T) {
			a, b := vendor("a", takes(state)), vendor("b", takes(state))
			r := newRig(t, a, b)
			o := r.sms()
			r.done(o)
			r.wrote(o, state, "a "+string(state))
			if ref := r.history(o).Sends[0].Attempts[0].Ref; ref != "ref-1" {
				t.Errorf("ref %q", ref)
			}
			for range 5 {
				r.done(o)
				r.pass(20 * time.Second)
			}
			a.given(t, 1)
			b.given(t)
		})
	}
}

func TestASendIsCountedOnceWhenItEnds(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer answer
		want   []string
	}{
		{"taken", takes(otp.Accepted), []string{"sms accepted"}},
		{"no such number", refuses(otp.FaultRecipient), []string{"sms failed"}},
		{"refused for now", refuses(otp.FaultProvider), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, vendor("a", row.answer))
			o := r.sms()
			_ = r.courier.Deliver(t.Context(), o)
			_ = r.courier.Deliver(t.Context(), o)
			if !slices.Equal(r.ended, row.want) {
				t.Errorf("got %v, want %v", r.ended, row.want)
			}
		})
	}
}

func TestOfAHundredCouriersOneHandsOver(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	o := r.sms()
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if err := r.courier.Deliver(t.Context(), o); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	a.given(t, 1)
	r.wrote(o, otp.Accepted, "a accepted")
}

func TestWhereAnotherProviderMayDoBetterItIsAskedInTheSameRun(t *testing.T) {
	for _, class := range []otp.Class{otp.FaultProvider, otp.FaultThrottled, otp.FaultUs} {
		t.Run(string(class), func(t *testing.T) {
			a, b, c := vendor("a", refuses(class)), vendor("b", refuses(class)), vendor("c", takes(otp.Accepted))
			r := newRig(t, a, b, c)
			o := r.sms()
			r.done(o)
			a.given(t, 1)
			b.given(t, 2)
			c.given(t, 3)
			r.wrote(o, otp.Accepted, "a failed", "b failed", "c accepted")
			if reason := r.reason(o, 1); reason != "vendor_"+string(class) {
				t.Errorf("reason %q", reason)
			}
		})
	}
}

func TestTheRecipientsFaultEndsTheSend(t *testing.T) {
	for name, permanent := range map[string]bool{"for now": false, "for good": true} {
		t.Run(name, func(t *testing.T) {
			a := vendor("a", func(context.Context, otp.Message) (otp.Acceptance, error) {
				return otp.Acceptance{}, &otp.Fault{Class: otp.FaultRecipient, Provider: "a", Code: "opted_out", Permanent: permanent}
			})
			b := vendor("b", takes(otp.Accepted))
			r := newRig(t, a, b)
			o := r.sms()
			r.done(o)
			r.done(o)
			a.given(t, 1)
			b.given(t)
			r.wrote(o, otp.Failed, "a failed")
			if reason := r.reason(o, 0); reason != "opted_out" {
				t.Errorf("reason %q", reason)
			}
			r.pass(2 * time.Minute)
			if next := r.start(phone(number)); (next.State == otp.SendSuppressed) != permanent {
				t.Errorf("the next send is %s", next.State)
			}
			if other := r.start(email()); other.State != otp.Queued {
				t.Errorf("another recipient's send is %s", other.State)
			}
		})
	}
}

func TestAnAnswerThatNeverCameIsWaitedFor(t *testing.T) {
	for name, route := range map[string]func(a *provider) []*provider{
		"with one provider":  func(a *provider) []*provider { return []*provider{a} },
		"with another":       func(a *provider) []*provider { return []*provider{a, vendor("b", takes(otp.Accepted))} },
		"by the last of two": func(a *provider) []*provider { return []*provider{vendor("b", refuses(otp.FaultProvider)), a} },
	} {
		t.Run(name, func(t *testing.T) {
			a := vendor("a", refuses(otp.FaultUnknown))
			all := route(a)
			r := newRig(t, all...)
			o := r.sms()
			r.again(o, 4*time.Second)
			given := func() (n int) {
				for _, p := range all {
					n += len(p.got)
				}
				return n
			}
			before := given()
			for waited := time.Duration(0); waited < 3*time.Second; waited += time.Second {
				r.done(o)
				if given() != before {
					t.Fatalf("handed over again %s after no answer", waited)
				}
				r.pass(time.Second)
			}
			_ = r.courier.Deliver(t.Context(), o)
			if given() == before {
				t.Fatal("not handed over again when the time was over")
			}
		})
	}
}

func TestASecondAnswerThatNeverCameEndsTheSend(t *testing.T) {
	a := vendor("a", refuses(otp.FaultUnknown))
	r := newRig(t, a)
	o := r.sms()
	r.again(o, 4*time.Second)
	r.wrote(o, otp.Unknown, "a unknown")
	r.pass(4 * time.Second)
	r.done(o)
	r.wrote(o, otp.Unknown, "a unknown", "a unknown")
	for range 4 {
		r.pass(13 * time.Second)
		r.done(o)
	}
	a.given(t, 1, 2)
	if r.history(o).Newest().Refunded {
		t.Error("refunded, though it may have arrived")
	}
	if reason := r.reason(o, 1); reason != "vendor_unknown" {
		t.Errorf("reason %q", reason)
	}
}

func TestAfterAnAnswerThatNeverCameTheNextProviderIsAsked(t *testing.T) {
	a, b := vendor("a", refuses(otp.FaultUnknown)), vendor("b", takes(otp.Accepted))
	r := newRig(t, a, b)
	o := r.sms()
	r.again(o, 4*time.Second)
	r.pass(4 * time.Second)
	r.done(o)
	a.given(t, 1)
	b.given(t, 2)
	r.wrote(o, otp.Accepted, "a unknown", "b accepted")
}

func TestWhatNobodyClassifiedIsAnAnswerThatNeverCame(t *testing.T) {
	a := vendor("a", func(context.Context, otp.Message) (otp.Acceptance, error) {
		return otp.Acceptance{}, errors.New("cannot text " + number + ": " + digits)
	})
	r := newRig(t, a, vendor("b", takes(otp.Accepted)))
	o := r.sms()
	r.again(o, 4*time.Second)
	r.wrote(o, otp.Unknown, "a unknown")
	if reason := r.reason(o, 1); reason != "unclassified" {
		t.Errorf("reason %q", reason)
	}
}

func TestAWorkerThatDiedInAHandOverIsFollowedByOneMore(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	o := r.sms()
	claim, ok, err := r.store.Claim(t.Context(), o, "dies")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, err := r.store.Begin(t.Context(), claim, 1, "a"); err != nil {
		t.Fatal(err)
	}
	r.done(o)
	a.given(t) // it is still held
	r.pass(13 * time.Second)
	r.done(o)
	a.given(t, 2)
	r.wrote(o, otp.Accepted, "a unknown", "a accepted")
}

func TestRefusedByAllTheSendComesBackMoreAndMoreSlowlyAndWithTheSameCode(t *testing.T) {
	a, b := vendor("a", refuses(otp.FaultProvider)), vendor("b", refuses(otp.FaultThrottled))
	r := newRig(t, a, b)
	o := r.sms()
	for _, seconds := range []time.Duration{1, 2, 4, 8, 15, 15} {
		r.again(o, seconds*time.Second)
		r.pass(seconds * time.Second)
	}
	a.given(t, 1, 3, 5, 7, 9, 11)
	b.given(t, 2, 4, 6, 8, 10, 12)
	for _, p := range []*provider{a, b} {
		for _, h := range p.got {
			if !strings.Contains(h.message.Text, digits) {
				t.Fatalf("attempt %d has another code", h.message.Attempt)
			}
		}
	}
}

func TestASendThatAllRefuseEndsWithItsCodeAndIsGivenBack(t *testing.T) {
	a := vendor("a", refuses(otp.FaultProvider))
	r := newRig(t, a)
	o := r.sms()
	end := time.Duration(0)
	for end < 6*time.Minute {
		err := r.courier.Deliver(t.Context(), o)
		if err == nil {
			break
		}
		re, ok := errors.AsType[*deliver.RetryError](err)
		if !ok {
			t.Fatal(err)
		}
		r.pass(re.After)
		end += re.After
	}
	if end > 5*time.Minute-15*time.Second || end < 4*time.Minute {
		t.Errorf("it ended after %s", end)
	}
	h := r.history(o)
	if s := h.Newest(); s.Status() != otp.Failed || !s.Refunded {
		t.Errorf("%s, refunded %v", s.Status(), s.Refunded)
	}
	if reason := r.reason(o, 0); reason != "vendor_provider" {
		t.Errorf("reason %q", reason)
	}
	for i, h := range a.got {
		if h.message.Left < 15*time.Second || h.deadline > deliver.HandOver || h.deadline > h.message.Left {
			t.Fatalf("hand-over %d: %s left, deadline %s", i, h.message.Left, h.deadline)
		}
	}
}

func TestWithLessThanFifteenSecondsLeftNothingIsHandedOver(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	o := r.sms()
	r.pass(5*time.Minute - 14*time.Second)
	r.done(o)
	a.given(t)
	r.wrote(o, otp.SendExpired)
}

func TestAProviderHasEightSecondsAndKnowsHowLongTheCodeLives(t *testing.T) {
	for name, passed := range map[string]time.Duration{"a fresh code": 0, "an old code": 5*time.Minute - 18*time.Second} {
		t.Run(name, func(t *testing.T) {
			a := vendor("a", takes(otp.Accepted))
			r := newRig(t, a)
			o := r.sms()
			r.pass(passed)
			r.done(o)
			a.given(t, 1)
			h := a.got[0]
			if h.deadline > 8*time.Second || h.deadline < 7*time.Second {
				t.Errorf("deadline %s", h.deadline)
			}
			if want := 5*time.Minute - passed; h.message.Left > want || h.message.Left < want-2*time.Second {
				t.Errorf("left %s, want %s", h.message.Left, want)
			}
		})
	}
}

func TestAMessageIsWholeAndSaysWhenItWasAskedForOverAllAttempts(t *testing.T) {
	for name, to := range map[string]otp.Recipient{"a text": phone(number), "a mail": email()} {
		t.Run(name, func(t *testing.T) {
			a := vendor("a", refuses(otp.FaultProvider), takes(otp.Accepted))
			r := newRig(t, a)
			opened := r.start(to)
			r.again(opened.Order, time.Second)
			r.pass(90 * time.Second)
			r.done(opened.Order)
			a.given(t, 1, 2)
			for i, h := range a.got {
				m := h.message
				if m.Order != opened.Order || m.To.Reveal() != to.Reveal() || m.To.Channel() != to.Channel() {
					t.Errorf("attempt %d: %s for %s", i+1, m.Order, m.To)
				}
				if !m.At.Equal(opened.Now) {
					t.Errorf("attempt %d: asked for at %s, not %s", i+1, m.At, opened.Now)
				}
				mail := to.Channel() == otp.Email
				if !strings.Contains(m.Text, digits) || strings.Contains(m.HTML, digits) != mail || (m.Subject != "") != mail {
					t.Errorf("attempt %d has not the texts", i+1)
				}
			}
			if early, late := a.got[0].message.Left, a.got[1].message.Left; early-late < 89*time.Second {
				t.Errorf("left %s, then %s", early, late)
			}
			if !strings.Contains(a.got[0].message.Text, "5 min") || !strings.Contains(a.got[1].message.Text, "4 min") {
				t.Error("the text does not say how long the code still lives")
			}
		})
	}
}

func TestALetterSealedWithAKeyThatIsNotHereWaitsForAWorkerThatHasIt(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	o := r.sms()
	r.courier.Keys = keysOf(t, "x")
	r.again(o, time.Second)
	r.again(o, 2*time.Second)
	a.given(t)
	r.wrote(o, otp.Queued)
	if reason := r.reason(o, 0); reason != "sealed_with_unknown_key" {
		t.Errorf("reason %q", reason)
	}
	r.courier.Keys = r.keys
	r.done(o)
	a.given(t, 1)
	r.wrote(o, otp.Accepted, "a accepted")
}

func TestAMessageThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	o := r.sms()
	whole := r.courier.Composer
	r.courier.Composer = composing{err: errors.New("template says " + digits)}
	for _, seconds := range []time.Duration{1, 2, 4, 8, 15, 15} {
		r.again(o, seconds*time.Second)
		r.pass(seconds * time.Second)
	}
	a.given(t)
	if reason := r.reason(o, 0); reason != "template" {
		t.Errorf("reason %q", reason)
	}
	r.courier.Composer = whole
	r.done(o)
	a.given(t, 1)
}

func TestWithoutARouteTheSendIsTriedAgain(t *testing.T) {
	r := newRig(t)
	o := r.sms()
	r.again(o, time.Second)
	r.again(o, 2*time.Second)
	r.wrote(o, otp.Queued)
	if reason := r.reason(o, 0); reason != "no_route" {
		t.Errorf("reason %q", reason)
	}
}

func TestACanceledSendIsNotHandedOver(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	o := r.sms()
	if err := r.store.Cancel(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	r.done(o)
	a.given(t)
	r.wrote(o, otp.SendCanceled)
}

func TestAnOrderThatNobodyGaveIsNothingToDo(t *testing.T) {
	r := newRig(t, vendor("a", takes(otp.Accepted)))
	o := r.sms()
	r.done(otp.Order{ID: otp.NewID(3), Send: 1})
	r.done(otp.Order{ID: o.ID, Send: 2})
}

func TestEveryHandOverIsOneLineWithoutCodeAndAddress(t *testing.T) {
	a, b := vendor("a", refuses(otp.FaultProvider)), vendor("b", refuses(otp.FaultUs), takes(otp.Sent))
	r := newRig(t, a, b)
	o := r.start(email()).Order
	r.again(o, time.Second)
	r.done(o)
	if n := r.log.count("\n"); n != 4 {
		t.Errorf("%d lines for 4 hand-overs:\n%s", n, r.log)
	}
	for _, want := range []string{
		`"level":"WARN","msg":"hand-over","order":"` + o.String() + `","attempt":1,"provider":"a","state":"failed","class":"provider","reason":"vendor_provider"`,
		`"level":"INFO","msg":"hand-over","order":"` + o.String() + `","attempt":4,"provider":"b","state":"sent"`,
	} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("no %s in\n%s", want, r.log)
		}
	}
	for _, secret := range []string{digits, mailbox, "ada"} {
		if r.log.count(secret) > 0 {
			t.Errorf("%s is in the log", secret)
		}
	}
}

func TestNoErrorOfACourierTellsCodeOrAddress(t *testing.T) {
	r := newRig(t, vendor("a", refuses(otp.FaultProvider)))
	o := r.sms()
	for range 3 {
		if err := r.courier.Deliver(t.Context(), o); err == nil || strings.Contains(err.Error(), digits) || strings.Contains(err.Error(), number) {
			t.Fatal(err)
		}
	}
}

func TestADecoyIsNotSentAndEndsAsOneToWhomNothingIsSent(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	r.decoys = true
	o := r.startIn(phone(number), 16, email()).Order
	r.done(o)
	r.done(o)
	r.pass(13 * time.Second)
	r.done(o)
	a.given(t)
	r.wrote(o, otp.SendSuppressed)
	if got := r.reason(o, 0); got != "decoy" {
		t.Errorf("the time line says %q", got)
	}
	if d := cmp.Diff([]string{"sms suppressed"}, r.ended); d != "" {
		t.Error(d)
	}
	if h := r.history(o); h.Newest().Refunded || h.Status != otp.Pending {
		t.Errorf("%+v", h)
	}
}

func TestADecoyWhoseLeaseIsLostIsLeftToWhoHasIt(t *testing.T) {
	r := newRig(t)
	r.decoys = true
	o := r.sms()
	claim, ok, err := r.store.Claim(t.Context(), o, "one")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	r.pass(13 * time.Second)
	if _, ok, err := r.store.Claim(t.Context(), o, "two"); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if ended, err := r.store.Withhold(t.Context(), claim); err != nil || ended {
		t.Fatal(ended, err)
	}
	r.wrote(o, otp.Queued)
}
