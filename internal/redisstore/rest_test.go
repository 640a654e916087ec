package redisstore_test

import (
	"slices"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestOnlyTheHolderPutsASendDown(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		c := r.claim(o.Order, "one")
		other := c
		other.Holder = "another"
		if !r.rest(other, -1, "") {
			t.Fatal("another has ended it")
		}
		r.noClaim(o.Order, "two")
		if !r.rest(c, time.Second, "") {
			t.Fatal("it has ended")
		}
		r.claim(o.Order, "two")
	})
}

func TestASendThatIsPutDownIsDueAgainSoon(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.rest(r.claim(o.Order, "one"), 4*time.Second, "")
		p := o.Order.ID.Partition()
		r.pass(5 * time.Second)
		if dues, err := r.store.Due(t.Context(), p, 10); err != nil || len(dues) > 0 {
			t.Fatal(dues, err)
		}
		r.pass(1500 * time.Millisecond)
		if dues, err := r.store.Due(t.Context(), p, 10); err != nil || len(dues) != 1 || dues[0].Claims != 1 {
			t.Fatal(dues, err)
		}
	})
}

func TestASendWhoseCodeWillNotLiveThatLongEndsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.pass(5*time.Minute - 20*time.Second)
		if r.rest(r.claim(o.Order, "one"), 8*time.Second, "no_provider_open") {
			t.Fatal("open")
		}
		h := r.history(o.Order.ID)
		last := h.Steps[len(h.Steps)-1]
		if h.Newest().Status() != otp.Failed || last.State != "failed" || last.Reason != "no_provider_open" {
			t.Fatalf("%s, %+v", h.Newest().Status(), last)
		}
	})
}

func TestWhatKeepsASendIsSaidOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		for _, why := range []string{"no_route", "no_route", "template", "template", ""} {
			r.rest(r.claim(o.Order, "one"), time.Second, why)
		}
		states := r.states(o.Order.ID)
		if n := len(slices.DeleteFunc(states, func(s string) bool { return s != "waiting" })); n != 2 {
			t.Fatalf("said %d times", n)
		}
	})
}

func TestALetterIsKeptAsLongAsItMayBeNeeded(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		kept := func(o otp.Order) bool {
			t.Helper()
			n, err := r.rdb.HExists(t.Context(), "v:{"+o.ID.Partition().String()+"}"+string(o.ID), "l1").Result()
			r.must(err)
			return n
		}
		end := map[string]func(o otp.Order){
			"approved": func(otp.Order) { r.mustCheck(ask{}, "") },
			"canceled": func(o otp.Order) { r.must(r.store.Cancel(t.Context(), o.ID)) },
			"expired": func(o otp.Order) {
				r.pass(6 * time.Minute)
				_, err := r.store.Settle(t.Context(), o.ID)
				r.must(err)
			},
		}
		r.policy.Daily, r.policy.AllDaily = 100, 100
		for name, how := range end {
			o := r.mustStart(ask{}).Order
			r.accept(o)
			if !kept(o) {
				t.Fatalf("%s: no letter for the next provider", name)
			}
			how(o)
			if kept(o) {
				t.Errorf("%s: the letter is still there", name)
			}
			_ = r.store.Cancel(t.Context(), o.ID)
			r.pass(time.Hour)
		}
	})
}
