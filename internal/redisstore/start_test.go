package redisstore_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestStartOpensAVerificationAndStagesItsSend(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		if o.Order.Send != 1 || o.Resent || o.SendsLeft != 4 || o.State != otp.Queued || o.DailyLeft != 9 {
			t.Fatalf("opened %+v", o)
		}
		if life := o.ExpiresAt.Sub(o.Now); life != 5*time.Minute {
			t.Fatalf("the code lives %s", life)
		}
		if pause := o.ResendAt.Sub(o.Now); pause != time.Minute {
			t.Fatalf("the next send in %s", pause)
		}
		h := r.history(o.Order.ID)
		if h.Status != otp.Pending || h.Namespace != otp.PhoneAuth || h.Newest().Status() != otp.Queued {
			t.Fatalf("history %+v", h)
		}
		if d := cmp.Diff([]string{"queued"}, r.states(o.Order.ID)); d != "" {
			t.Fatal(d)
		}
	})
}

func TestAHundredStartsAtOnceAdmitOne(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		var admitted, refused atomic.Int32
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				_, err := r.start(ask{})
				switch {
				case err == nil:
					admitted.Add(1)
				case isLimit(err, otp.LimitCooldown):
					refused.Add(1)
				}
			})
		}
		wg.Wait()
		if admitted.Load() != 1 || refused.Load() != 99 {
			t.Fatalf("%d admitted, %d refused", admitted.Load(), refused.Load())
		}
	})
}

func TestAHundredStartsAtOnceTakeExactlyTheDailyQuota(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.policy.Cooldown, r.policy.AllCooldown = 0, 0
		var admitted atomic.Int32
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				// A binding each: no start supersedes another's send, whose place would come back.
				if _, err := r.start(ask{binding: strconv.Itoa(i)}); err == nil {
					admitted.Add(1)
				}
			})
		}
		wg.Wait()
		if n := admitted.Load(); n != 10 {
			t.Fatalf("%d admitted", n)
		}
	})
}

func TestCooldownRefusesAndNamesTheLiveVerification(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.pass(20 * time.Second)
		le := r.refused(ask{}, otp.LimitCooldown)
		if le.ID != o.Order.ID || !le.ExpiresAt.Equal(o.ExpiresAt) {
			t.Fatalf("limit %+v", le)
		}
		if le.RetryAfter > 40*time.Second || le.RetryAfter < 38*time.Second {
			t.Fatalf("retry after %s", le.RetryAfter)
		}
		if n := len(r.history(o.Order.ID).Sends); n != 1 {
			t.Fatalf("%d sends", n)
		}
	})
}

func TestCooldownAcrossNamespacesIsShorter(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		r.mustStart(ask{})
		r.refused(ask{ns: otp.AddPhone}, otp.LimitCooldown)
		r.pass(11 * time.Second)
		r.mustStart(ask{ns: otp.AddPhone})
	})
}

func TestResendSendsTheSameCodeAndDoesNotExtendIt(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		first := r.mustStart(ask{code: "111111"})
		r.accept(first.Order)
		r.pass(61 * time.Second)
		second := r.mustStart(ask{code: "222222"})
		if !second.Resent || second.Order.ID != first.Order.ID || second.Order.Send != 2 || !second.ExpiresAt.Equal(first.ExpiresAt) {
			t.Fatalf("first %+v\nsecond %+v", first, second)
		}
		c := r.claim(second.Order, "w")
		if code, err := r.keys.OpenCode(c.Owner, c.Code); err != nil || code.Reveal() != "111111" {
			t.Fatalf("the resend carries another code (%v)", err)
		}
		r.mustCheck(ask{code: "222222"}, otp.CodeMismatch)
		r.mustCheck(ask{code: "111111"}, "")
	})
}

func TestResendOfAnOldCodeRotatesItWithinFifteenMinutes(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.policy.MaxSends, r.policy.Daily = 20, 20
		first := r.mustStart(ask{code: "111111"})
		r.mustCheck(ask{code: "999999"}, otp.CodeMismatch)
		r.pass(3*time.Minute + time.Second)
		second := r.mustStart(ask{code: "222222"})
		if second.Order.ID != first.Order.ID || second.ExpiresAt.Sub(second.Now) != 5*time.Minute {
			t.Fatalf("second %+v", second)
		}
		if v := r.mustCheck(ask{code: "111111"}, otp.CodeMismatch); v.ChecksLeft != 3 {
			t.Fatalf("%d checks left: rotation gave some back", v.ChecksLeft)
		}
		for range 3 {
			r.pass(3*time.Minute + time.Second)
			o := r.mustStart(ask{code: "333333"})
			if o.Order.ID != first.Order.ID {
				break
			}
			if life := o.ExpiresAt.Sub(first.Now); life > 15*time.Minute {
				t.Fatalf("the verification lives %s", life)
			}
		}
		r.mustCheck(ask{code: "222222"}, otp.CodeMismatch)
		r.mustCheck(ask{code: "333333"}, "")
	})
}

func TestAVerificationTooOldForANewCodeGivesWayToAnother(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.policy.MaxLife = r.policy.Life
		first := r.mustStart(ask{})
		r.pass(4 * time.Minute)
		second := r.mustStart(ask{})
		if second.Order.ID == first.Order.ID || second.Resent {
			t.Fatalf("second %+v", second)
		}
		if h := r.history(first.Order.ID); h.Status != otp.Expired || h.Newest().Status() != otp.SendSuperseded {
			t.Fatalf("first %+v", h)
		}
	})
}

func TestSendLimitHoldsForTheLifeOfAVerification(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		r.policy.Cooldown, r.policy.AllCooldown = 0, 0
		for range 5 {
			r.accept(r.mustStart(ask{}).Order)
		}
		r.refused(ask{}, otp.LimitSends)
	})
}

func TestDailyQuotaReopensADayAfterTheFirstSend(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for range 10 {
			r.accept(r.mustStart(ask{}).Order)
			r.pass(16 * time.Minute)
		}
		le := r.refused(ask{}, otp.LimitDaily)
		if want := 24*time.Hour - 160*time.Minute; le.RetryAfter > want || le.RetryAfter < want-2*time.Second {
			t.Fatalf("retry after %s", le.RetryAfter)
		}
		r.pass(le.RetryAfter + time.Second)
		r.mustStart(ask{})
	})
}

func TestTheSameNonceGetsTheSameAnswer(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		a := ask{nonce: otp.NewNonce()}
		first := r.mustStart(a)
		second := r.mustStart(a)
		first.Now, second.Now = time.Time{}, time.Time{}
		first.DailyReset, second.DailyReset = 0, 0
		if d := cmp.Diff(first, second); d != "" {
			t.Fatal(d)
		}
		r.mustCheck(ask{}, "")
		if again := r.mustStart(a); again.Order != first.Order {
			t.Fatalf("after the approval: %+v", again)
		}
	})
}

func TestBindingsKeepVerificationsApart(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.policy.Cooldown, r.policy.AllCooldown = 0, 0
		mine := r.mustStart(ask{binding: "mine", code: "111111"})
		theirs := r.mustStart(ask{binding: "theirs", code: "222222"})
		if mine.Order.ID == theirs.Order.ID {
			t.Fatal("one verification for two bindings")
		}
		for range 5 {
			r.mustCheck(ask{binding: "theirs", code: "000000"}, otp.CodeMismatch)
		}
		if _, err := r.check(ask{binding: "theirs", code: "222222"}); err == nil {
			t.Fatal("not locked")
		}
		if v := r.mustCheck(ask{binding: "neither"}, otp.NoSuchCode); v.ID != "" {
			t.Fatalf("told about: %+v", v)
		}
		r.mustCheck(ask{binding: "mine", code: "111111"}, "")
	})
}

func TestASuppressedChannelIsNotSentTo(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		c := r.claim(o.Order, "w")
		if err := r.begin(c, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := r.store.Finish(t.Context(), otp.Outcome{
			Order: o.Order, Attempt: 1, State: otp.Failed,
			Class: otp.FaultRecipient, Permanent: true, Reason: "twilio_21211",
		}); err != nil {
			t.Fatal(err)
		}
		r.pass(2 * time.Minute)
		again := r.mustStart(ask{})
		if again.State != otp.SendSuppressed {
			t.Fatalf("state %s", again.State)
		}
		r.noClaim(again.Order, "w")
		r.pass(31 * 24 * time.Hour)
		if o := r.mustStart(ask{}); o.State != otp.Queued {
			t.Fatalf("a month later: %s", o.State)
		}
	})
}
