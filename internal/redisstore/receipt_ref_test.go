package redisstore_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

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
