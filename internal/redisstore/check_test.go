package redisstore_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestARightCheckApprovesOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.accept(o.Order)
		v := r.mustCheck(ask{}, "")
		if !v.Right() || v.Status != otp.Approved || v.ID != o.Order.ID || v.SessionKey != "k1" {
			t.Fatalf("verdict %+v", v)
		}
		if v := r.mustCheck(ask{}, otp.AlreadyUsed); v.Status != otp.Approved {
			t.Fatalf("again: %+v", v)
		}
		if d := cmp.Diff([]string{"queued", "sending", "accepted", "approved"}, r.states(o.Order.ID)); d != "" {
			t.Fatal(d)
		}
	})
}

func TestAHundredRightChecksAtOnceSucceedOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.policy.Cooldown, r.policy.AllCooldown, r.policy.Daily, r.policy.AllDaily = 0, 0, 1_000_000, 1_000_000
		for range rounds(t, 20, 1000) {
			r.mustStart(ask{})
			var right, used atomic.Int32
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					v, err := r.check(ask{})
					switch {
					case err != nil:
						t.Error(err)
					case v.Right():
						right.Add(1)
					case v.Reason == otp.AlreadyUsed:
						used.Add(1)
					}
				})
			}
			wg.Wait()
			if right.Load() != 1 || used.Load() != 99 {
				t.Fatalf("%d right, %d used", right.Load(), used.Load())
			}
		}
	})
}

func TestOfAHundredWrongChecksAtOnceFiveAreCompared(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		var compared, refused atomic.Int32
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				v, err := r.check(ask{code: "999999"})
				switch {
				case err != nil:
					refused.Add(1)
				case v.Reason == otp.CodeMismatch:
					compared.Add(1)
				}
			})
		}
		wg.Wait()
		if compared.Load() != 5 || refused.Load() != 95 {
			t.Fatalf("%d compared, %d refused", compared.Load(), refused.Load())
		}
		if h := r.history(o.Order.ID); h.Checks != 5 || h.Status != otp.Locked {
			t.Fatalf("history %+v", h)
		}
		if _, err := r.check(ask{}); !isLimit(err, otp.LimitLock) {
			t.Fatalf("the right code after that: %v", err)
		}
	})
}

func TestTheGuessThatUsesUpTheLastCheckSaysUntilWhen(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.mustStart(ask{})
		for left := 4; left > 0; left-- {
			if v := r.mustCheck(ask{code: "999999"}, otp.CodeMismatch); v.ChecksLeft != left || v.Status != otp.Pending || !v.LockedUntil.IsZero() {
				t.Fatalf("verdict %+v, want %d left", v, left)
			}
		}
		v := r.mustCheck(ask{code: "999999"}, otp.CodeMismatch)
		if v.ChecksLeft != 0 || v.Status != otp.Locked || v.LockedUntil.IsZero() {
			t.Fatalf("verdict %+v", v)
		}
		r.refused(ask{}, otp.LimitLock)
	})
}

func TestEveryFifthFailureLocksAcrossVerificationsAndLonger(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.policy.Daily, r.policy.AllDaily = 1000, 1000
		for _, want := range []time.Duration{15 * time.Minute, time.Hour, 24 * time.Hour, 24 * time.Hour} {
			for guess := range 5 {
				r.mustStart(ask{})
				v := r.mustCheck(ask{code: "999999"}, otp.CodeMismatch)
				if locked := v.Status == otp.Locked; locked != (guess == 4) {
					t.Fatalf("guess %d: %+v", guess, v)
				}
				r.pass(6 * time.Minute) // the code expires: the next start opens another verification
			}
			le := r.refused(ask{}, otp.LimitLock)
			if got := le.RetryAfter + 6*time.Minute; got > want || got < want-3*time.Second {
				t.Fatalf("locked for %s, want %s", got, want)
			}
			r.pass(le.RetryAfter + time.Second)
		}
	})
}

func TestFailuresADayOldNoLongerCount(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.mustStart(ask{})
		for range 4 {
			r.mustCheck(ask{code: "999999"}, otp.CodeMismatch)
		}
		r.pass(24*time.Hour + time.Minute)
		r.mustStart(ask{})
		if v := r.mustCheck(ask{code: "999999"}, otp.CodeMismatch); v.Status != otp.Pending {
			t.Fatalf("verdict %+v", v)
		}
	})
}

func TestSuccessClearsFailuresAndStrikes(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		for range 3 {
			r.mustStart(ask{})
			for range 4 {
				r.mustCheck(ask{code: "999999"}, otp.CodeMismatch)
			}
			r.mustCheck(ask{}, "")
			r.pass(2 * time.Minute)
		}
	})
}

func TestUnlockLetsTheRecipientTryAgainButKeepsLimits(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.accept(r.mustStart(ask{}).Order)
		for range 5 {
			r.mustCheck(ask{code: "999999"}, otp.CodeMismatch)
		}
		r.refused(ask{}, otp.LimitLock)
		cleared, err := r.store.Unlock(t.Context(), r.owner(ask{}.filled()), "support", "ticket 1")
		if err != nil || !cleared {
			t.Fatalf("unlock: %v, %v", cleared, err)
		}
		r.refused(ask{}, otp.LimitCooldown)
		r.pass(time.Minute)
		r.mustStart(ask{})
		for range 4 {
			if v := r.mustCheck(ask{code: "999999"}, otp.CodeMismatch); v.Status != otp.Pending {
				t.Fatal("the failures were not cleared")
			}
		}
		if _, err := r.store.Unlock(t.Context(), r.owner(ask{}.filled()), "support", "ticket 2"); err != nil {
			t.Fatal(err)
		}
		r.pass(6 * time.Minute)
		r.mustStart(ask{})
		for range 4 {
			if v := r.mustCheck(ask{code: "999999"}, otp.CodeMismatch); v.Status != otp.Pending {
				t.Fatal("the failures before the lock were not cleared")
			}
		}
	})
}

func TestAnExpiredCodeIsNotComparedAndNotCounted(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.pass(5 * time.Minute)
		r.mustCheck(ask{}, otp.CodeExpired)
		if h := r.history(o.Order.ID); h.Checks != 0 || h.Status != otp.Expired {
			t.Fatalf("history %+v", h)
		}
	})
}

func TestACodeThatWasNeverAskedForIsNotFound(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		if v := r.mustCheck(ask{}, otp.NoSuchCode); v.Right() {
			t.Fatalf("verdict %+v", v)
		}
	})
}

func TestACheckByIDComparesAndCountsTheSame(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{binding: "b"})
		byID := func(code, binding string) otp.Verdict { t.Helper(); return r.checkByID(o.Order.ID, code, binding) }
		if v := byID("123456", "other"); v.Reason != otp.BindingMismatch || v.ChecksLeft != 5 {
			t.Fatalf("another binding: %+v", v)
		}
		if v := byID("999999", "b"); v.Reason != otp.CodeMismatch || v.ChecksLeft != 4 {
			t.Fatalf("a wrong code: %+v", v)
		}
		if v := byID("123456", "b"); !v.Right() {
			t.Fatalf("the right code: %+v", v)
		}
	})
}

func TestTheSameCheckAgainGetsTheSameAnswerForAMinute(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.mustStart(ask{})
		wrong := ask{code: "999999", nonce: otp.NewNonce()}
		first := r.mustCheck(wrong, otp.CodeMismatch)
		if d := cmp.Diff(first, r.mustCheck(wrong, otp.CodeMismatch)); d != "" {
			t.Fatal("counted twice", d)
		}
		right := ask{nonce: otp.NewNonce()}
		r.pass(7 * time.Second)
		first = r.mustCheck(right, "")
		if first.After < 7*time.Second {
			t.Fatalf("right after %s", first.After)
		}
		first.After = 0 // is told once
		if d := cmp.Diff(first, r.mustCheck(right, "")); d != "" {
			t.Fatal(d)
		}
		r.pass(61 * time.Second)
		r.mustCheck(right, otp.AlreadyUsed)
	})
}

func TestANonceOfAWrongCheckDoesNotCompareAnotherCode(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		r.mustStart(ask{})
		n := otp.NewNonce()
		r.mustCheck(ask{code: "999999", nonce: n}, otp.CodeMismatch)
		r.mustCheck(ask{nonce: n}, otp.CodeMismatch)
	})
}

func TestTheNonceOfARightCheckOpensNothingForAnotherCode(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.mustStart(ask{})
		n := otp.NewNonce()
		r.mustCheck(ask{nonce: n}, "")
		r.mustCheck(ask{code: "999999", nonce: n}, otp.AlreadyUsed)
		r.keys = keysOf(t, "k2", "k1") // the primary changes meanwhile
		if v := r.mustCheck(ask{nonce: n}, ""); v.SessionKey != "k1" {
			t.Fatalf("verdict %+v", v)
		}
	})
}

func TestSessionsProveOnlyWhatTheyWereOpenedFor(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		a := ask{nonce: otp.NewNonce()}.filled()
		r.mustCheck(a, "")
		owner := r.owner(a)
		code, _ := otp.ParseCode(a.code, 6)
		token, _ := r.keys.TokenOf(owner, code, a.nonce)
		find := func(owner otp.Owner, consume bool) error {
			s, err := r.store.Session(t.Context(), token, owner, consume)
			if err == nil && s.ID != o.Order.ID {
				t.Fatalf("session %+v", s)
			}
			return err
		}
		for name, other := range map[string]otp.Owner{
			"another namespace": r.keys.Owner(otp.AddPhone, phone(a.to), "", 16),
			"another recipient": r.keys.Owner(a.ns, phone("+4915112345679"), "", 16),
		} {
			if err := find(other, true); !errors.Is(err, otp.ErrNotFound) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := find(owner, false); err != nil {
			t.Fatal(err)
		}
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if find(owner, true) == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("consumed %d times", won.Load())
		}
	})
}

func TestASessionEnds(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.mustStart(ask{})
		a := ask{nonce: otp.NewNonce()}.filled()
		r.mustCheck(a, "")
		code, _ := otp.ParseCode(a.code, 6)
		token, _ := r.keys.TokenOf(r.owner(a), code, a.nonce)
		r.pass(time.Hour)
		if _, err := r.store.Session(t.Context(), token, r.owner(a), false); !errors.Is(err, otp.ErrNotFound) {
			t.Fatalf("an hour later: %v", err)
		}
	})
}

func isLimit(err error, l otp.Limit) bool {
	le, ok := errors.AsType[*otp.LimitError](err)
	return ok && le.Limit == l
}
