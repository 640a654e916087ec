package redisstore_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestOneOfAHundredWorkersClaimsASend(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if _, ok, err := r.store.Claim(t.Context(), o.Order, fmt.Sprint(i)); err == nil && ok {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d claims", won.Load())
		}
	})
}

func TestAClaimOpensLetterAndCodeForItsWorker(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		c := r.claim(o.Order, "w")
		l, err := r.keys.OpenLetter(c.Owner, c.Letter)
		if err != nil || l.To.Reveal() != "+4915112345678" {
			t.Fatalf("letter: %v", err)
		}
		code, err := r.keys.OpenCode(c.Owner, c.Code)
		if err != nil || code.Reveal() != "123456" {
			t.Fatalf("code: %v", err)
		}
		if c.Left > 5*time.Minute || c.Left < 4*time.Minute+58*time.Second {
			t.Fatalf("left %s", c.Left)
		}
	})
}

func TestAClaimRepeatedByTheNetworkIsTheSameClaim(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		first := r.claim(o.Order, "w")
		if d := cmp.Diff(first.Attempts, r.claim(o.Order, "w").Attempts); d != "" {
			t.Fatal(d)
		}
		r.noClaim(o.Order, "another")
	})
}

func TestAnAcceptedSendIsNeverHandedOverAgain(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		c := r.claim(o.Order, "w")
		if err := r.begin(c, 1); err != nil {
			t.Fatal(err)
		}
		if open := r.finish(c, 1, otp.Accepted, ""); open {
			t.Fatal("still open")
		}
		if err := r.begin(c, 2); !errors.Is(err, otp.ErrLeaseLost) {
			t.Fatalf("begin: %v", err)
		}
		for range 3 {
			r.pass(20 * time.Second)
			r.noClaim(o.Order, "another")
		}
		if h := r.history(o.Order.ID); h.Newest().Status() != otp.Accepted || h.Newest().Provider() != "twilio" {
			t.Fatalf("history %+v", h)
		}
	})
}

func TestALeaseThatEndedBelongsToTheNextWorker(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		slow := r.claim(o.Order, "slow")
		r.pass(13 * time.Second)
		next := r.claim(o.Order, "next")
		if err := r.begin(slow, 1); !errors.Is(err, otp.ErrLeaseLost) {
			t.Fatalf("the slow worker hands over: %v", err)
		}
		if err := r.begin(next, 1); err != nil {
			t.Fatal(err)
		}
	})
}

func TestADeadHandOverIsUnknownAndTriedOnceMore(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		if err := r.begin(r.claim(o.Order, "dies"), 1); err != nil {
			t.Fatal(err)
		}
		r.pass(13 * time.Second)
		c := r.claim(o.Order, "second")
		if len(c.Attempts) != 1 || c.Attempts[0].State != otp.Unknown {
			t.Fatalf("attempts %+v", c.Attempts)
		}
		if err := r.begin(c, 2); err != nil {
			t.Fatal(err)
		}
		r.pass(13 * time.Second)
		r.noClaim(o.Order, "third")
		h := r.history(o.Order.ID)
		if h.Newest().Status() != otp.Unknown || h.Newest().Refunded {
			t.Fatalf("history %+v", h)
		}
	})
}

func TestAnAcceptanceThatComesLateStopsTheNextHandOver(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		slow := r.claim(o.Order, "slow")
		if err := r.begin(slow, 1); err != nil {
			t.Fatal(err)
		}
		r.pass(13 * time.Second)
		next := r.claim(o.Order, "next")
		if open := r.finish(slow, 1, otp.Accepted, ""); open {
			t.Fatal("still open")
		}
		if err := r.begin(next, 2); !errors.Is(err, otp.ErrLeaseLost) {
			t.Fatalf("begin: %v", err)
		}
	})
}

func TestNoHandOverBeginsWithLessThanFifteenSecondsLeft(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.pass(4*time.Minute + 40*time.Second)
		c := r.claim(o.Order, "w")
		r.pass(6 * time.Second)
		if err := r.begin(c, 1); !errors.Is(err, otp.ErrLeaseLost) {
			t.Fatalf("begin: %v", err)
		}
		h := r.history(o.Order.ID)
		if h.Newest().Status() != otp.SendExpired || !h.Newest().Refunded {
			t.Fatalf("history %+v", h)
		}
	})
}

func TestARefusedSendIsFreeForTheNextTryAndEndsWithItsReason(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		for attempt := 1; ; attempt++ {
			c, ok, err := r.store.Claim(t.Context(), o.Order, "w"+fmt.Sprint(attempt))
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if err := r.begin(c, attempt); err != nil {
				t.Fatal(err)
			}
			if open := r.finish(c, attempt, otp.Failed, otp.FaultProvider); !open {
				break
			}
			r.pass(15 * time.Second)
		}
		h := r.history(o.Order.ID)
		last := h.Steps[len(h.Steps)-1]
		if h.Newest().Status() != otp.Failed || last.State != "failed" || last.Reason != "r" || !h.Newest().Refunded {
			t.Fatalf("ended as %s, %+v", h.Newest().Status(), last)
		}
		if n := len(h.Newest().Attempts); n < 15 {
			t.Fatalf("%d attempts", n)
		}
		r.mustStart(ask{}) // the cooldown came back
	})
}

func TestTheEndOfTheStoryFitsHoweverManyAttemptsThereWere(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		for attempt := 1; attempt <= 60; attempt++ {
			c := r.claim(o.Order, "w")
			if err := r.begin(c, attempt); err != nil {
				t.Fatal(err)
			}
			r.finish(c, attempt, otp.Failed, otp.FaultProvider)
		}
		r.pass(6 * time.Minute)
		if _, err := r.store.Settle(t.Context(), o.Order.ID); err != nil {
			t.Fatal(err)
		}
		states := r.states(o.Order.ID)
		if len(states) > 100 || states[len(states)-1] != "failed" {
			t.Fatalf("%d steps, the last %s", len(states), states[len(states)-1])
		}
	})
}

func TestALaterSendSupersedesOneThatWasNotHandedOver(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		first := r.mustStart(ask{})
		r.pass(61 * time.Second)
		second := r.mustStart(ask{})
		r.noClaim(first.Order, "w")
		r.claim(second.Order, "w")
		if s := r.history(first.Order.ID).Sends[0]; s.Status() != otp.SendSuperseded || !s.Refunded {
			t.Fatalf("send %+v", s)
		}
		r.refused(ask{}, otp.LimitCooldown) // the second's cooldown is not the first's to give back
	})
}

func TestApprovalStopsASendThatWaits(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		first := r.mustStart(ask{})
		r.accept(first.Order)
		r.pass(61 * time.Second)
		second := r.mustStart(ask{})
		c := r.claim(second.Order, "w")
		r.mustCheck(ask{}, "")
		if err := r.begin(c, 1); !errors.Is(err, otp.ErrLeaseLost) {
			t.Fatalf("begin: %v", err)
		}
		if s := r.history(first.Order.ID).Sends[1]; s.Status() != otp.SendSuperseded {
			t.Fatalf("send %+v", s)
		}
	})
}

func TestCancelStopsEverythingAndGivesBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		for range 2 {
			if err := r.store.Cancel(t.Context(), o.Order.ID); err != nil {
				t.Fatal(err)
			}
		}
		r.noClaim(o.Order, "w")
		r.mustCheck(ask{}, otp.WasCanceled)
		if again := r.mustStart(ask{}); again.DailyLeft != 9 {
			t.Fatalf("%d left of the day", again.DailyLeft)
		}
		r.mustCheck(ask{}, "")
		id := r.history(r.mustStartAfter(2 * time.Minute).Order.ID).ID
		r.mustCheck(ask{}, "")
		if err := r.store.Cancel(t.Context(), id); !errors.Is(err, otp.ErrFinished) {
			t.Fatalf("cancel an approved one: %v", err)
		}
		if err := r.store.Cancel(t.Context(), otp.NewID(3)); !errors.Is(err, otp.ErrNotFound) {
			t.Fatalf("cancel nothing: %v", err)
		}
	})
}

func TestRefundsEndAfterThreeADay(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for range 3 {
			if err := r.store.Cancel(t.Context(), r.mustStart(ask{}).Order.ID); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.store.Cancel(t.Context(), r.mustStart(ask{}).Order.ID); err != nil {
			t.Fatal(err)
		}
		r.refused(ask{}, otp.LimitCooldown)
	})
}

func (r *rig) mustStartAfter(d time.Duration) otp.Opened {
	r.t.Helper()
	r.pass(d)
	return r.mustStart(ask{})
}

func TestASendWhoseVerificationEndedWhileItsWorkerDiedIsNotHandedOverAgain(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		if err := r.begin(r.claim(o.Order, "dies"), 1); err != nil {
			t.Fatal(err)
		}
		r.mustCheck(ask{}, "")
		r.pass(13 * time.Second)
		r.noClaim(o.Order, "another")
		if s := r.history(o.Order.ID).Newest().Status(); s != otp.Unknown {
			t.Fatalf("status %s", s)
		}
		if found := r.due(o.Order.ID.Partition()); len(found) != 0 {
			t.Fatalf("still due: %+v", found)
		}
	})
}

func TestARefusalTooLateForAnotherTryIsFailedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.pass(5*time.Minute - 15*time.Second - 500*time.Millisecond)
		c := r.claim(o.Order, "w")
		if err := r.begin(c, 1); err != nil {
			t.Fatal(err)
		}
		if open := r.finish(c, 1, otp.Failed, otp.FaultProvider); open {
			t.Fatal("waits for a try that cannot be made")
		}
		if s := r.history(o.Order.ID).Newest(); s.Status() != otp.Failed || !s.Refunded {
			t.Fatalf("send %+v", s)
		}
	})
}

func TestARefundStaysInTheWindowItWasChargedTo(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.accept(r.mustStart(ask{}).Order)
		r.pass(24*time.Hour - 30*time.Second)
		old := r.mustStart(ask{binding: "old"})
		r.pass(61 * time.Second)
		if o := r.mustStart(ask{binding: "new"}); o.DailyLeft != 9 {
			t.Fatalf("%d left of the new day", o.DailyLeft)
		}
		if err := r.store.Cancel(t.Context(), old.Order.ID); err != nil {
			t.Fatal(err)
		}
		r.pass(61 * time.Second)
		if o := r.mustStart(ask{binding: "newer"}); o.DailyLeft != 8 {
			t.Fatalf("%d left of the new day: it was given what the old one was charged", o.DailyLeft)
		}
	})
}

// A master may die before its replica knows that a hand-over began. The worker lives
// and knows the outcome: the next master must not have it sent again.
func TestAnOutcomeIsKeptThoughThatItBeganWasLost(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		key := "v:{" + o.Order.ID.Partition().String() + "}" + string(o.Order.ID)
		c, ok, err := r.store.Claim(t.Context(), o.Order, "one")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		before := r.rdb.HGetAll(t.Context(), key).Val()
		if _, err := r.store.Begin(t.Context(), c, 1, "twilio"); err != nil {
			t.Fatal(err)
		}
		r.must(r.rdb.HSet(t.Context(), key, before).Err()) // as the replica has it
		open, err := r.store.Finish(t.Context(), otp.Outcome{Order: o.Order, Attempt: 1, Provider: "twilio", Channel: otp.SMS, State: otp.Accepted, Ref: "SM1"})
		if err != nil || open {
			t.Fatal(open, err)
		}
		h, err := r.store.Find(t.Context(), o.Order.ID)
		r.must(err)
		if got := h.Newest(); got.Status() != otp.Accepted || len(got.Attempts) != 1 || got.Attempts[0].Provider != "twilio" || got.Attempts[0].Ref != "SM1" {
			t.Errorf("%+v", got)
		}
		r.pass(13 * time.Second)
		if _, ok, err := r.store.Claim(t.Context(), o.Order, "two"); ok || err != nil {
			t.Errorf("it may be sent again: %t, %v", ok, err)
		}
	})
}
