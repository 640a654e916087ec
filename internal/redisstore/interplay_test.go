package redisstore_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// What happens to one thing while another is under way.

// underWay stages a send and begins its first hand-over.
func (r *rig) underWay(a ask) otp.Claim {
	r.t.Helper()
	c := r.claim(r.mustStart(a).Order, "w")
	if err := r.begin(c, 1); err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) refusedWhileGoingOn(c otp.Claim) {
	r.t.Helper()
	if _, err := r.store.Finish(r.t.Context(), otp.Outcome{
		Order: c.Order, Attempt: 1,
		State: otp.Failed, Class: otp.FaultProvider, Reason: "r",
	}); err != nil {
		r.t.Fatal(err)
	}
}

func TestNoNextProviderGetsACodeThatALaterSendHasReplaced(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{code: "111111"})
		r.pass(3*time.Minute + time.Second)
		c := r.claim(o.Order, "w")
		if err := r.begin(c, 1); err != nil {
			t.Fatal(err)
		}
		r.mustStart(ask{code: "222222"}) // under two minutes left: rotated
		r.refusedWhileGoingOn(c)
		if err := r.begin(c, 2); !errors.Is(err, otp.ErrLeaseLost) {
			t.Fatalf("begin: %v", err)
		}
		if s := r.history(o.Order.ID).Sends[0]; s.Status() != otp.SendSuperseded {
			t.Fatalf("send %+v", s)
		}
	})
}

func TestADeadHandOverIsNotRepeatedOnceALaterSendIsThere(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.policy.Resend = otp.Rotate
		o := r.mustStart(ask{code: "111111"})
		r.pass(61 * time.Second)
		if err := r.begin(r.claim(o.Order, "dies"), 1); err != nil {
			t.Fatal(err)
		}
		r.accept(r.mustStart(ask{code: "222222"}).Order)
		r.pass(13 * time.Second)
		r.noClaim(o.Order, "another")
		if s := r.history(o.Order.ID).Sends[0]; s.Status() != otp.Unknown || s.Refunded {
			t.Fatalf("send %+v", s)
		}
	})
}

func TestARefusedSendDoesNotGoOutBesideALaterOne(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.pass(61 * time.Second)
		c := r.claim(o.Order, "w")
		if err := r.begin(c, 1); err != nil {
			t.Fatal(err)
		}
		later := r.mustStart(ask{})
		if open := r.finish(c, 1, otp.Failed, otp.FaultProvider); open {
			t.Fatal("the earlier send waits for another try")
		}
		r.accept(later.Order)
		r.pass(2 * time.Second)
		r.noClaim(o.Order, "another")
	})
}

func TestARepeatedBeginHoldsTheSendForTheWholeHandOver(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		c := r.underWay(ask{})
		r.pass(5 * time.Second) // its answer was lost, and asked for again
		if err := r.begin(c, 1); err != nil {
			t.Fatal(err)
		}
		r.pass(8 * time.Second)
		r.noClaim(c.Order, "another")
	})
}

func TestAStrangersBindingDoesNotSpoilARepeatedCheck(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		r.mustStart(ask{code: "111111", binding: "mine"})
		r.pass(61 * time.Second)
		r.mustStart(ask{code: "222222", binding: "stranger"})
		again := ask{code: "111111", binding: "mine", nonce: otp.NewNonce()}
		r.mustCheck(again, "")
		r.mustCheck(again, "")
	})
}

func TestAStrangersBindingDoesNotSpoilARepeatedStart(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		mine := ask{code: "111111", binding: "mine", nonce: otp.NewNonce()}
		o := r.mustStart(mine)
		r.accept(o.Order)
		r.pass(61 * time.Second)
		r.mustStart(ask{code: "222222", binding: "stranger"})
		r.mustCheck(ask{code: "111111", binding: "mine"}, "")
		r.pass(61 * time.Second)
		if again := r.mustStart(mine); again.Order != o.Order {
			t.Fatalf("again: %v, first %v", again.Order, o.Order)
		}
	})
}

func TestARepeatedCheckIsNotCountedAgainstTheNextVerification(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		first := r.mustStart(ask{code: "111111"})
		r.pass(50 * time.Second)
		again := ask{code: "111111", nonce: otp.NewNonce()}
		r.mustCheck(again, "")
		r.pass(11 * time.Second)
		next := r.mustStart(ask{code: "222222"})
		if v := r.mustCheck(again, ""); v.ID != first.Order.ID {
			t.Fatalf("verdict %+v", v)
		}
		if n := r.history(next.Order.ID).Checks; n != 0 {
			t.Fatalf("%d checks counted", n)
		}
		r.mustCheck(ask{code: "222222"}, "")
	})
}

func TestWithoutItsBindingNobodyIsToldHowAVerificationEnded(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.mustStart(ask{code: "111111", binding: "mine"})
		r.mustCheck(ask{code: "999999"}, otp.BindingMismatch)
		if v := r.mustCheck(ask{code: "999999", binding: "other"}, otp.BindingMismatch); v.ChecksLeft != 5 {
			t.Fatalf("counted: %+v", v)
		}
		r.mustCheck(ask{code: "111111", binding: "mine"}, "")
		if v := r.mustCheck(ask{code: "999999"}, otp.NoSuchCode); v.ID != "" {
			t.Fatalf("told %+v", v)
		}
	})
}

func TestAReceiptThatBlamesTheRecipientStopsTheNextTryAndGivesNothingBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		c := r.underWay(ask{})
		r.finish(c, 1, otp.Unknown, otp.FaultUnknown)
		r.receive(c.Order, otp.Undelivered, func(rc *otp.Receipt) { rc.Class = otp.FaultRecipient })
		r.pass(13 * time.Second)
		r.noClaim(c.Order, "another")
		if err := r.store.Cancel(t.Context(), c.Order.ID); err != nil {
			t.Fatal(err)
		}
		r.refused(ask{}, otp.LimitCooldown)
	})
}

func TestAReceiptOfAFailureGivesNothingBackWhileAnotherTryIsLeft(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		c := r.underWay(ask{})
		r.finish(c, 1, otp.Unknown, otp.FaultUnknown)
		r.receive(c.Order, otp.Failed, nil)
		r.pass(13 * time.Second)
		r.accept(c.Order)
		r.refused(ask{}, otp.LimitCooldown)
	})
}

func TestASentThatComesAfterUndeliveredStopsNothing(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		c := r.underWay(ask{})
		r.finish(c, 1, otp.Unknown, otp.FaultUnknown)
		r.receive(c.Order, otp.Undelivered, nil)
		if r.receive(c.Order, otp.Sent, nil) {
			t.Fatal("it moved something")
		}
		r.pass(13 * time.Second)
		r.claim(c.Order, "another")
	})
}

func TestAnAcceptanceIsInTheJournalHoweverLateItComes(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.pass(50 * time.Second)
		c := r.claim(o.Order, "slow")
		if err := r.begin(c, 1); err != nil {
			t.Fatal(err)
		}
		r.pass(13 * time.Second)
		r.mustStart(ask{}) // the first send ends as unknown
		for range 2 {
			r.finish(c, 1, otp.Accepted, "")
		}
		lines := slices.DeleteFunc(r.states(o.Order.ID), func(s string) bool { return s != "accepted" })
		if len(lines) != 1 {
			t.Fatalf("%d times: %v", len(lines), r.states(o.Order.ID))
		}
	})
}

func TestWhatAnOldVerificationGivesBackIsThereForItsSuccessor(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.policy.Resend = otp.Rotate
		r.accept(r.mustStart(ask{}).Order)
		for range 2 {
			r.pass(4*time.Minute + 30*time.Second)
			r.accept(r.mustStart(ask{}).Order)
		}
		r.pass(3*time.Minute + 30*time.Second)
		unsent := r.mustStart(ask{})
		r.pass(61 * time.Second)
		if o := r.mustStart(ask{}); o.Order.ID == unsent.Order.ID || o.DailyLeft != 6 {
			t.Fatalf("%d left of the day; %+v", o.DailyLeft, o)
		}
	})
}

func TestAnOptOutAlsoStopsASendThatWaits(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.policy.Cooldown, r.policy.AllCooldown = 0, 0
		waits := r.mustStart(ask{binding: "one"})
		told := r.mustStart(ask{binding: "two"})
		r.accept(told.Order)
		r.receive(told.Order, otp.Undelivered, func(rc *otp.Receipt) { rc.Class, rc.Permanent = otp.FaultRecipient, true })
		r.noClaim(waits.Order, "w")
		if s := r.history(waits.Order.ID).Newest().Status(); s != otp.SendSuppressed {
			t.Fatalf("status %s", s)
		}
	})
}

func TestAVendorsNameForAMessageCannotBreakTheJournal(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		c := r.underWay(ask{})
		if _, err := r.store.Finish(t.Context(), otp.Outcome{Order: c.Order, Attempt: 1, State: otp.Accepted, Ref: "a b\nc"}); err != nil {
			t.Fatal(err)
		}
		steps := r.history(c.Order.ID).Steps
		if got := steps[len(steps)-1]; got.State != "accepted" || got.Ref != "a_b_c" {
			t.Fatalf("step %+v", got)
		}
	})
}
