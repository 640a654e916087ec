package redisstore_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

func (r *rig) due(p otp.Partition) []otp.Due {
	r.t.Helper()
	all, err := r.store.Due(r.t.Context(), p, 100)
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

func TestTheWatchFindsASendThatNobodyTook(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		p := o.Order.ID.Partition()
		if found := r.due(p); len(found) != 0 {
			t.Fatalf("too early: %+v", found)
		}
		r.pass(time.Second)
		want := []otp.Due{{Order: o.Order, Channel: otp.SMS, Overdue: true}}
		if d := cmp.Diff(want, r.due(p)); d != "" {
			t.Fatal(d)
		}
		if found := r.due(p); len(found) != 0 {
			t.Fatalf("twice at once: %+v", found)
		}
		r.pass(2 * time.Second)
		if d := cmp.Diff(want, r.due(p)); d != "" {
			t.Fatal(d)
		}
	})
}

func TestTheWatchFindsASendWhoseWorkerDiedAndNamesANewTask(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.claim(o.Order, "dies")
		p := o.Order.ID.Partition()
		r.pass(11 * time.Second)
		if found := r.due(p); len(found) != 0 {
			t.Fatalf("while it is held: %+v", found)
		}
		r.pass(1100 * time.Millisecond)
		if d := cmp.Diff([]otp.Due{{Order: o.Order, Channel: otp.SMS, Claims: 1, Overdue: true}}, r.due(p)); d != "" {
			t.Fatal(d)
		}
	})
}

func TestSettlingAnExpiredCodeEndsWhatWasNotSentAndGivesItBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.pass(5*time.Minute + time.Second)
		var settled bool
		for _, d := range r.due(o.Order.ID.Partition()) {
			if d.Order.Send == 0 {
				var err error
				if settled, err = r.store.Settle(t.Context(), d.Order.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		h := r.history(o.Order.ID)
		if !settled || h.Status != otp.Expired || h.Newest().Status() != otp.SendExpired || !h.Newest().Refunded {
			t.Fatalf("settled %v, history %+v", settled, h)
		}
		r.pass(time.Minute)
		if found := r.due(o.Order.ID.Partition()); len(found) != 0 {
			t.Fatalf("still due: %+v", found)
		}
		if again := r.mustStart(ask{}); again.DailyLeft != 9 {
			t.Fatalf("%d left of the day", again.DailyLeft)
		}
	})
}

func TestSettlingAnOldVerificationLeavesItsSuccessorAlone(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		old := r.mustStart(ask{code: "111111"})
		r.pass(5*time.Minute + time.Second)
		r.mustStart(ask{code: "222222"})
		if settled, err := r.store.Settle(t.Context(), old.Order.ID); err != nil || !settled {
			t.Fatalf("settled %v, %v", settled, err)
		}
		r.mustCheck(ask{code: "222222"}, "")
	})
}

func TestSettlingALiveCodeDoesNothing(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		if settled, err := r.store.Settle(t.Context(), o.Order.ID); err != nil || settled {
			t.Fatalf("settled %v, %v", settled, err)
		}
		r.mustCheck(ask{}, "")
		r.pass(10 * time.Minute)
		if settled, err := r.store.Settle(t.Context(), o.Order.ID); err != nil || settled {
			t.Fatalf("settled an approved one: %v, %v", settled, err)
		}
	})
}

func TestWhatIsLeftToTheWatchIsCountedAndLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		dues := func() otp.DueState {
			got, err := r.store.Dues(t.Context(), otp.MaxPartitions)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := dues(); got.Kept != 2 || got.Due != 0 || got.Late != 0 { // the send, and the end of its code
			t.Errorf("at once: %+v", got)
		}
		r.pass(10 * time.Second)
		for range 2 {
			if got := dues(); got.Kept != 2 || got.Due != 1 || got.Late < 9*time.Second || got.Late > time.Minute {
				t.Errorf("later: %+v", got)
			}
		}
		if found := r.due(o.Order.ID.Partition()); len(found) != 1 {
			t.Errorf("the watch finds %+v", found)
		}
	})
}
