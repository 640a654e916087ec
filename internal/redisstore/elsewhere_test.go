package redisstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Receipts that come while somebody works on a send whose code may go elsewhere.

// takenLate has a first answer that never came and a second provider that took it.
func (r *rig) takenLate(o otp.Order) {
	r.t.Helper()
	c := r.claim(o, "one")
	r.must(r.begin(c, 1))
	r.finish(c, 1, otp.Unknown, otp.FaultUnknown)
	r.rest(c, 3*time.Second, "")
	r.pass(4 * time.Second)
	r.accept(o)
}

// turnsAt wants a send to go to the other address after that time, and not before.
func (r *rig) turnsAt(o otp.Order, wait time.Duration) {
	r.t.Helper()
	r.pass(wait - time.Second)
	r.noClaim(o, "early")
	r.pass(2 * time.Second)
	dues := r.due(o.ID.Partition())
	if len(dues) != 1 || dues[0].Order != o {
		r.t.Fatalf("due: %v", dues)
	}
	if c := r.claim(o, "two"); !c.Turn {
		r.t.Fatal("it does not turn")
	}
}

func TestAReceiptThatOvertakesTheAnswerDoesNotKeepTheCodeFromTheOtherAddress(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		o := r.startElse()
		c := r.claim(o, "one")
		r.must(r.begin(c, 1))
		r.receive(o, otp.Sent, nil)
		r.finish(c, 1, otp.Accepted, "")
		r.turnsAt(o, 30*time.Second)
	})
}

func TestATextThatWasSentAtOnceWaitsForItsReceiptToo(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		o := r.startElse()
		c := r.claim(o, "one")
		r.must(r.begin(c, 1))
		r.finish(c, 1, otp.Sent, "")
		r.turnsAt(o, 30*time.Second)
	})
}

func TestWhatWasGivenUpBesideAnAnswerThatNeverCameStillGoesToTheOtherAddress(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		o := r.startElse()
		r.takenLate(o)
		r.receive(o, otp.Undelivered, func(rc *otp.Receipt) { rc.Attempt = 2 })
		r.turnsAt(o, 30*time.Second)
	})
}

func TestAProviderIsNotAskedBeforeTheCodeWentToTheOtherAddress(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		r.store.AskAfter = 10 * time.Second
		o := r.startElse()
		r.accept(o)
		r.turnsAt(o, 30*time.Second)
	})
}

func TestWhatHasArrivedMeanwhileGoesToNoOtherAddress(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.startElse()
		r.accept(o)
		r.pass(31 * time.Second)
		c := r.claim(o, "two")
		r.receive(o, otp.Delivered, nil)
		if next, _, _, err := r.store.Turn(t.Context(), c, r.otherOwner(), ""); err != nil || next != nil {
			t.Fatal(next, err)
		}
	})
}

func TestNoOtherProviderIsAskedForARecipientWhoIsAtFault(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.startElse()
		c := r.claim(o, "one")
		r.must(r.begin(c, 1))
		r.receive(o, otp.Undelivered, func(rc *otp.Receipt) { rc.Class = otp.FaultRecipient })
		r.finish(c, 1, otp.Accepted, "")
		if err := r.begin(c, 2); !errors.Is(err, otp.ErrLeaseLost) {
			t.Fatalf("begin: %v", err)
		}
		if c := r.claim(o, "two"); !c.Turn { // at once
			t.Fatal("it does not turn")
		}
	})
}

func TestARecipientAtFaultKeepsItsCooldownThoughTheCodeWentElsewhere(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.startElse()
		r.accept(o)
		r.receive(o, otp.Undelivered, func(rc *otp.Receipt) { rc.Class = otp.FaultRecipient })
		if next, _, _, err := r.store.Turn(t.Context(), r.claim(o, "two"), r.otherOwner(), ""); err != nil || next == nil {
			t.Fatal(next, err)
		}
		r.refused(ask{}, otp.LimitCooldown)
	})
}

func TestWhatWasTakenAndGivenUpBeforeItsAnswerIsPaidFor(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		c := r.underWay(ask{})
		r.receive(c.Order, otp.Undelivered, nil)
		r.must(r.store.Cancel(t.Context(), c.Order.ID))
		if s := r.history(c.Order.ID).Newest().Status(); s != otp.Undelivered {
			t.Fatalf("status %s", s)
		}
		if again := r.mustStart(ask{}); again.DailyLeft != 8 {
			t.Fatalf("%d left of the day", again.DailyLeft)
		}
	})
}

func TestAnOutcomeThatIsToldAgainShutsTheOtherAddressOnceMore(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		first := r.claim(r.startElse(), "one")
		next, _, _, err := r.store.Turn(t.Context(), first, r.otherOwner(), "")
		r.must(err)
		c := r.claim(next.Order, "one")
		r.must(r.begin(c, 1))
		out := otp.Outcome{Order: c.Order, Attempt: 1, Channel: otp.Email, State: otp.Failed, Class: otp.FaultRecipient, Permanent: true, Reason: "r"}
		_, err = r.store.Finish(t.Context(), out)
		r.must(err)
		shut := "all:suppress:{" + r.otherOwner().Partition.String() + "}" + string(r.otherOwner().Identity[0]) + ":email"
		r.must(r.rdb.Del(t.Context(), shut).Err()) // as if the worker had died before it was written
		_, err = r.store.Finish(t.Context(), out)
		r.must(err)
		if r.rdb.Exists(t.Context(), shut).Val() != 1 {
			t.Fatal("it is open")
		}
	})
}
