package totp_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/totp"
)

func TestARightCodeIsAcceptedOnceAndOpensASession(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed()
		c := a.want(a.code(0), "")
		owner := r.Keys.FactorOwner(otp.PhoneAuth, "user-1", 16)
		s, err := r.store.Session(r.t.Context(), c.Token, owner, true)
		if err != nil || s.ID != otp.ID(a.id) || s.Channel != otp.TOTP || !s.ExpiresAt.Equal(c.ExpiresAt) {
			r.t.Fatalf("%+v, %v", s, err)
		}
		if _, err := r.store.Session(r.t.Context(), c.Token, owner, true); !errors.Is(err, otp.ErrNotFound) {
			r.t.Errorf("used up, and good: %v", err)
		}
		a.want(a.code(0), otp.AlreadyUsed)
		want := []string{"factor.enrolled", "factor.confirmed", "factor.approved", "factor.session_consumed", "factor.check_failed"}
		if got := r.events(a.id); !slices.Equal(got, want) {
			r.t.Errorf("events %v", got)
		}
		if f := a.factor(); f.UsedAt != r.Now() || f.Fails != 0 || f.RecoveryCodes != otp.RecoveryCodes {
			r.t.Errorf("%+v", f)
		}
	})
}

func TestOfAHundredRightChecksAtOnceOneIsApproved(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed()
		code := a.code(0)
		got := hundred(func() (totp.Checked, error) { return a.check(code) })
		if got["right"] != 1 || got[string(otp.AlreadyUsed)] != 99 {
			r.t.Errorf("%v", got)
		}
		if f := a.factor(); f.Fails != 0 {
			r.t.Errorf("%d are counted: whoever taps twice would be locked out", f.Fails)
		}
		approved := 0
		for _, kind := range r.events(a.id) {
			if kind == "factor.approved" {
				approved++
			}
		}
		if approved != 1 {
			r.t.Errorf("%d approvals are recorded", approved)
		}
	})
}

func TestOfAHundredWrongChecksAtOnceFiveAreComparedAndTheFactorIsLocked(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed()
		wrong := a.wrong()
		got := hundred(func() (totp.Checked, error) { return a.check(wrong) })
		if got[string(otp.CodeMismatch)] != 5 || got["locked out"] != 95 {
			r.t.Errorf("%v", got)
		}
		if c, err := a.check(a.code(0)); outcome(c, err) != "locked out" {
			r.t.Errorf("the right code of a locked factor: %s", outcome(c, err))
		}
	})
}

func TestACodeThatWasUsedAndEveryEarlierOneIsRefused(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed()
		earlier, used := a.code(0), a.code(1)
		a.want(used, "")
		a.want(earlier, otp.AlreadyUsed)
		r.pass(a.clock.Period)
		a.want(used, otp.AlreadyUsed)
		a.want(a.code(1), "")
	})
}

func TestCodesOutsideOfTheWindowAreWrong(t *testing.T) {
	both(t, func(r *rig) {
		for skew := range 3 {
			q := request()
			q.Clockwork.Skew = skew
			a := r.enrol(q)
			if _, err := r.Confirm(r.t.Context(), anybody, a.id, a.code(0)); err != nil {
				r.t.Fatal(err)
			}
			r.pass(10 * a.clock.Period)
			a.want(a.code(int64(skew)+1), otp.CodeMismatch)
			a.want(a.code(int64(-skew)-1), otp.CodeMismatch)
			a.want(a.code(int64(-skew)), "")
		}
	})
}

func TestAClockThatRunsAwayIsFollowedWithinTheSkew(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed() // its skew is 1
		r.pass(10 * a.clock.Period)
		a.want(a.code(1), "")
		r.pass(10 * a.clock.Period)
		a.want(a.code(3), otp.CodeMismatch)  // farther than it is followed
		a.want(a.code(-1), otp.CodeMismatch) // the window has moved, and is no wider
		a.want(a.code(2), "")
		if f := a.factor(); f.Drift != 1 {
			r.t.Errorf("drift %d", f.Drift)
		}
		r.pass(10 * a.clock.Period)
		a.want(a.code(0), "")
		r.pass(10 * a.clock.Period)
		a.want(a.code(-1), "")
	})
}

func TestEachLockIsLongerUntilACodeIsRight(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed()
		for _, want := range []time.Duration{15 * time.Minute, time.Hour, 24 * time.Hour, 24 * time.Hour} {
			if got := a.lock(); got != want {
				r.t.Errorf("locked for %s, want %s", got, want)
			}
			var limit *otp.LimitError
			if _, err := a.check(a.code(0)); !errors.As(err, &limit) || limit.RetryAfter != want || limit.Limit != otp.LimitFactor {
				r.t.Errorf("%v", err)
			}
			r.pass(want)
		}
		a.want(a.code(0), "")
		if got := a.lock(); got != 15*time.Minute {
			r.t.Errorf("after a right code: %s", got)
		}
		r.pass(15*time.Minute + 48*time.Hour)
		if got := a.lock(); got != 15*time.Minute {
			r.t.Errorf("long after the last one: %s", got)
		}
	})
}

// lock guesses wrong until the factor is locked, and tells for how long.
func (a app) lock() time.Duration {
	a.r.t.Helper()
	for left := 4; left > 0; left-- {
		if c := a.want(a.wrong(), otp.CodeMismatch); c.ChecksLeft != left || !c.LockedUntil.IsZero() {
			a.r.t.Errorf("%d checks left, want %d; locked until %v", c.ChecksLeft, left, c.LockedUntil)
		}
	}
	return a.want(a.wrong(), otp.CodeMismatch).LockedUntil.Sub(a.r.Now())
}

func TestWrongGuessesAreForgottenAfterADay(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed()
		for range 4 {
			a.want(a.wrong(), otp.CodeMismatch)
		}
		r.pass(24 * time.Hour)
		if c := a.want(a.wrong(), otp.CodeMismatch); c.ChecksLeft != 4 {
			r.t.Errorf("%d checks left", c.ChecksLeft)
		}
	})
}

func TestWhatCannotBeACodeIsNotCounted(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed()
		for _, typed := range []string{"", "12345", "1234567", "12345a", "１２３４５６"} {
			if _, err := a.check(typed); !errors.Is(err, otp.ErrCodeFormat) {
				r.t.Errorf("%q: %v", typed, err)
			}
			if _, err := a.recover(typed); !errors.Is(err, otp.ErrCodeFormat) {
				r.t.Errorf("recovery %q: %v", typed, err)
			}
		}
		if f := a.factor(); f.Fails != 0 {
			r.t.Errorf("%d are counted", f.Fails)
		}
	})
}

func TestANamespaceWithSignedSessionsGetsOne(t *testing.T) {
	both(t, func(r *rig) {
		p := r.Namespaces[otp.PhoneAuth]
		p.Session = otp.SignedSession
		r.Namespaces[otp.PhoneAuth] = p
		a, _ := r.confirmed()
		c := a.want(a.code(0), "")
		reader, ok := r.Signer.(interface {
			Read(token string, ns otp.Namespace) (otp.Claims, error)
		})
		if !ok {
			r.t.Fatal("no reader")
		}
		claims, err := reader.Read(c.Token.Reveal(), otp.PhoneAuth)
		if err != nil || claims.ID != otp.ID(a.id) || claims.Channel != otp.TOTP || claims.To != r.Keys.StandIn(r.Keys.FactorOwner(otp.PhoneAuth, "user-1", 16)) {
			r.t.Errorf("%+v, %v", claims, err)
		}
	})
}
