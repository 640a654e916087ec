package redisstore_test

import (
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// other is a mailbox that a code may go to.
var other = otp.NewRecipient(otp.Email, "ada@example.com", "ada@example.com", "a•••")

// startElse stages a text whose code may go to a mailbox too.
func (r *rig) startElse() otp.Order {
	r.t.Helper()
	o := r.opening(ask{}.filled())
	letter, err := r.keys.SealLetter(o.Owner, otp.Letter{To: other})
	r.must(err)
	o.Fallbacks = []otp.Fallback{{Channel: otp.Email, Masked: "a•••", Letter: letter}}
	got, err := r.store.Start(r.t.Context(), o)
	r.must(err)
	return got.Order
}

func (r *rig) otherOwner() otp.Owner { return r.keys.Owner(otp.PhoneAuth, other, "", 16) }

func TestOnlyTheHolderTurnsASend(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		c := r.claim(r.startElse(), "one")
		if c.Fallback == nil || c.Fallback.Channel != otp.Email || c.Fallback.Masked != "a•••" {
			t.Fatalf("%+v", c.Fallback)
		}
		stranger := c
		stranger.Holder = "another"
		next, more, state, err := r.store.Turn(t.Context(), stranger, r.otherOwner(), "")
		if next != nil || more != nil || state != "" || err != nil {
			t.Fatal(next, more, state, err)
		}
		if next, _, _, err = r.store.Turn(t.Context(), c, r.otherOwner(), ""); err != nil || next == nil {
			t.Fatal(next, err)
		}
		if again, _, _, err := r.store.Turn(t.Context(), c, r.otherOwner(), ""); err != nil || again != nil {
			t.Fatal("turned twice", again, err)
		}
		if n := len(r.history(c.Order.ID).Sends); n != 2 {
			t.Fatalf("%d sends", n)
		}
	})
}

func TestAVerificationThatHasHadAllItsSendsGoesNowhereElse(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.policy.MaxSends = 1
		c := r.claim(r.startElse(), "one")
		next, _, state, err := r.store.Turn(t.Context(), c, r.otherOwner(), "")
		if next != nil || state != otp.Queued || err != nil {
			t.Fatal(next, state, err)
		}
		if !r.rest(c, time.Second, "") {
			t.Fatal("it is not tried again")
		}
	})
}

func TestASessionTellsWhereTheCodeWentLast(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for _, turned := range []bool{false, true} {
			o := r.startElse()
			want := "+49•••"
			if turned {
				_, _, _, err := r.store.Turn(t.Context(), r.claim(o, "one"), r.otherOwner(), "")
				r.must(err)
				want = "a•••"
			}
			nonce := otp.NewNonce()
			a := ask{nonce: nonce}
			r.mustCheck(a, "")
			code, err := otp.ParseCode("123456", 6)
			r.must(err)
			owner := r.owner(a.filled())
			token, _ := r.keys.TokenOf(owner, code, nonce)
			s, err := r.store.Session(t.Context(), token, owner, false)
			if err != nil || s.Masked != want || (s.Channel == otp.Email) != turned {
				t.Errorf("turned %v: %+v, %v", turned, s, err)
			}
			r.pass(2 * time.Minute)
		}
	})
}

func TestWhoeverIsSuppressedOrLockedIsNotSentAnotherCode(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx, o := t.Context(), otp.Order{ID: otp.NewID(3), Send: 1}
		owner := r.otherOwner()
		admit := func(o otp.Order) string {
			limit, err := r.store.Admit(ctx, o, owner, otp.Email, r.policy, nil)
			r.must(err)
			return limit
		}
		p, fp := owner.Partition.String(), string(owner.Identity[0])
		r.must(r.rdb.Set(ctx, "all:suppress:{"+p+"}"+fp+":email", time.Now().Add(time.Hour).UnixMilli(), time.Hour).Err())
		if l := admit(o); l != "suppressed" {
			t.Errorf("limit %q", l)
		}
		r.must(r.rdb.Del(ctx, "all:suppress:{"+p+"}"+fp+":email").Err())
		r.must(r.rdb.Set(ctx, "phone-auth:lock:{"+p+"}"+fp, "9999999999999 1", time.Hour).Err())
		if l := admit(o); l != "lock" {
			t.Errorf("limit %q", l)
		}
		r.must(r.rdb.Del(ctx, "phone-auth:lock:{"+p+"}"+fp).Err())
		r.policy.Daily = 2
		for n, want := range []string{"", "cooldown"} {
			if l := admit(otp.Order{ID: o.ID, Send: n + 1}); l != want {
				t.Errorf("send %d: limit %q, want %q", n+1, l, want)
			}
		}
		r.pass(time.Minute)
		for range 2 { // the same send again is no other
			if l := admit(otp.Order{ID: o.ID, Send: 3}); l != "" {
				t.Errorf("limit %q", l)
			}
		}
		r.pass(time.Minute)
		if l := admit(otp.Order{ID: o.ID, Send: 9}); l != "daily" {
			t.Errorf("limit %q", l)
		}
	})
}

func TestAReceiptThatIsRepeatedShutsTheOtherAddressIfTheFirstCouldNot(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		next, _, _, err := r.store.Turn(t.Context(), r.claim(r.startElse(), "one"), r.otherOwner(), "")
		r.must(err)
		r.accept(next.Order)
		opted := func(rc *otp.Receipt) { rc.Class, rc.Permanent = otp.FaultRecipient, true }
		if !r.receive(next.Order, otp.Undelivered, opted) {
			t.Fatal("it did not count")
		}
		owner := r.otherOwner()
		shut := "all:suppress:{" + owner.Partition.String() + "}" + string(owner.Identity[0]) + ":email"
		if n := r.rdb.Del(t.Context(), shut).Val(); n != 1 { // as if that command had failed
			t.Fatal("the channel is not shut")
		}
		if r.receive(next.Order, otp.Undelivered, opted) {
			t.Fatal("it counts twice")
		}
		if n := r.rdb.Exists(t.Context(), shut).Val(); n != 1 {
			t.Error("the channel stays open")
		}
	})
}
