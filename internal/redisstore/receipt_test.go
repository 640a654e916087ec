package redisstore_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

func (r *rig) receive(o otp.Order, state otp.State, more func(*otp.Receipt)) bool {
	r.t.Helper()
	rc := otp.Receipt{Order: o, Attempt: 1, Provider: "twilio", Ref: "SM1", State: state, Class: otp.FaultProvider}
	if more != nil {
		more(&rc)
	}
	got, err := r.store.Receive(r.t.Context(), rc)
	if err != nil {
		r.t.Fatal(err)
	}
	return got.Moved
}

func TestReceiptsInAnyOrderEndTheSame(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.policy.Daily, r.policy.AllDaily = 1000, 1000
		for range rounds(t, 20, 500) {
			o := r.mustStart(ask{})
			r.accept(o.Order)
			all := []otp.State{otp.Accepted, otp.Sent, otp.Delivered, otp.Sent, otp.Undelivered, otp.Delivered, otp.Accepted}
			rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, s := range all {
				r.receive(o.Order, s, nil)
			}
			h := r.history(o.Order.ID)
			if h.Newest().Status() != otp.Delivered {
				t.Fatalf("%v ended as %s", all, h.Newest().Status())
			}
			seen := map[string]bool{}
			for _, s := range h.Steps {
				if s.Reason == "undelivered" {
					continue // another provider was to be asked, until it arrived
				}
				if seen[s.State] {
					t.Fatalf("%s stands there twice: %+v", s.State, h.Steps)
				}
				seen[s.State] = true
			}
			r.pass(6 * time.Minute)
		}
	})
}

func TestForeignReceiptsChangeNothing(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.accept(o.Order)
		for name, more := range map[string]func(*otp.Receipt){
			"another message":      func(rc *otp.Receipt) { rc.Ref = "SM2" },
			"another provider":     func(rc *otp.Receipt) { rc.Provider = "smtp" },
			"an attempt never had": func(rc *otp.Receipt) { rc.Attempt = 2 },
			"a send never had":     func(rc *otp.Receipt) { rc.Order.Send = 2 },
			"no verification":      func(rc *otp.Receipt) { rc.Order.ID = otp.NewID(o.Order.ID.Partition()) },
		} {
			if r.receive(o.Order, otp.Delivered, more) {
				t.Fatalf("%s moved something", name)
			}
		}
		if s := r.history(o.Order.ID).Newest().Status(); s != otp.Accepted {
			t.Fatalf("status %s", s)
		}
	})
}

func TestAReceiptForAnAnswerThatNeverCameStopsTheSecondTry(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		c := r.claim(o.Order, "w")
		if err := r.begin(c, 1); err != nil {
			t.Fatal(err)
		}
		r.finish(c, 1, otp.Unknown, otp.FaultUnknown)
		if !r.receive(o.Order, otp.Sent, nil) {
			t.Fatal("the receipt did not count")
		}
		r.pass(13 * time.Second)
		r.noClaim(o.Order, "another")
		r.receive(o.Order, otp.Delivered, nil)
		if s := r.history(o.Order.ID).Newest().Status(); s != otp.Delivered {
			t.Fatalf("status %s", s)
		}
	})
}

func TestUndeliveredForAPassingReasonGivesTheCooldownBackOnly(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.accept(o.Order)
		r.receive(o.Order, otp.Undelivered, nil)
		r.refused(ask{}, otp.LimitCooldown) // another provider may do better
		if r.rest(r.claim(o.Order, "w"), -1, "route_spent") {
			t.Fatal("open, though nobody is left to ask")
		}
		if s := r.history(o.Order.ID).Newest(); s.Status() != otp.Undelivered {
			t.Fatalf("status %s", s.Status())
		}
		if again := r.mustStart(ask{}); again.DailyLeft != 8 {
			t.Fatalf("%d left of the day", again.DailyLeft)
		}
	})
}

func TestUndeliveredByTheRecipientsFaultGivesNothingBackAndShutsTheChannel(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.accept(o.Order)
		r.receive(o.Order, otp.Undelivered, func(rc *otp.Receipt) { rc.Class, rc.Permanent = otp.FaultRecipient, true })
		r.refused(ask{}, otp.LimitCooldown)
		if again := r.mustStartAfter(time.Minute); again.State != otp.SendSuppressed {
			t.Fatalf("state %s", again.State)
		}
	})
}

func TestALateReceiptDoesNotClearANewerCooldown(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.accept(o.Order)
		r.mustStartAfter(61 * time.Second)
		r.receive(o.Order, otp.Undelivered, nil)
		r.refused(ask{}, otp.LimitCooldown)
	})
}

// A bounce names the attempt and not the message: the ref that is known stays.
func TestAReceiptWithoutARefIsAboutTheAttemptAndKeepsItsRef(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		unnamed := func(rc *otp.Receipt) { rc.Ref = "" }
		o := r.mustStart(ask{})
		r.accept(o.Order)
		if !r.receive(o.Order, otp.Undelivered, unnamed) {
			t.Fatal("it did not count")
		}
		if r.receive(o.Order, otp.Undelivered, unnamed) {
			t.Error("twice it counts twice")
		}
		if r.receive(o.Order, otp.Delivered, func(rc *otp.Receipt) { rc.Ref = "SM2" }) {
			t.Error("another message's receipt counts since")
		}
		if !r.receive(o.Order, otp.Delivered, nil) {
			t.Error("the message's own receipt does not count any more")
		}
		h := r.history(o.Order.ID)
		var refs []string
		for _, s := range h.Steps {
			if s.State == "undelivered" || s.State == "delivered" {
				refs = append(refs, s.State+" "+s.Ref)
			}
		}
		if d := cmp.Diff([]string{"undelivered SM1", "delivered SM1"}, refs); d != "" {
			t.Error(d)
		}
	})
}

// It may come before the vendor's answer, or instead of it.
func TestAReceiptWithoutARefLeavesRoomForIt(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		c := r.claim(o.Order, "w")
		if err := r.begin(c, 1); err != nil {
			t.Fatal(err)
		}
		if !r.receive(o.Order, otp.Undelivered, func(rc *otp.Receipt) { rc.Ref = "" }) {
			t.Fatal("it did not count")
		}
		r.finish(c, 1, otp.Accepted, "")
		if got := r.history(o.Order.ID).Newest().Attempts[0]; got.Ref != "SM1" || got.State != otp.Undelivered {
			t.Errorf("%+v", got)
		}
	})
}
