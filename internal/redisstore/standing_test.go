package redisstore_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/otpipe/otpipe/internal/otp"
)

func (r *rig) standing(name string) otp.Standing {
	r.t.Helper()
	all, err := r.store.Standings(r.t.Context(), []string{"other", name})
	if err != nil {
		r.t.Fatal(err)
	}
	if d := cmp.Diff(otp.Standing{}, all["other"]); d != "" {
		r.t.Fatalf("another provider: %s", d)
	}
	return all[name]
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestOneRecordCarriesDrainPauseAndAdvice(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.must(r.store.Pause(ctx, "twilio", 40*time.Second, "twilio_20429"))
		r.must(r.store.Trip(ctx, "twilio", otp.SMS, 20*time.Second))
		r.must(r.store.Drain(ctx, "twilio", "ops", "maintenance until two"))
		near := cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() < 5*time.Second })
		want := otp.Standing{
			Drained: &otp.Drain{By: "ops", Reason: "maintenance until two"},
			Paused:  40 * time.Second, PausedWhy: "twilio_20429", Tripped: map[otp.Channel]time.Duration{otp.SMS: 20 * time.Second},
		}
		if d := cmp.Diff(want, r.standing("twilio"), near, cmpopts.IgnoreFields(otp.Drain{}, "At")); d != "" {
			t.Fatal(d)
		}
		r.pass(30 * time.Second)
		want.Paused, want.Tripped = 10*time.Second, nil
		if d := cmp.Diff(want, r.standing("twilio"), near, cmpopts.IgnoreFields(otp.Drain{}, "At")); d != "" {
			t.Fatal(d)
		}
		r.pass(30 * time.Second)
		if s := r.standing("twilio"); s.Paused != 0 || s.PausedWhy != "" || s.Drained == nil {
			t.Fatalf("%+v: want a drain and nothing else", s)
		}
		r.must(r.store.Resume(ctx, "twilio", "ops", "over"))
		if d := cmp.Diff(otp.Standing{}, r.standing("twilio")); d != "" {
			t.Fatal(d)
		}
	})
}

func TestALongerPauseStaysAndAdviceIsTakenBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.must(r.store.Pause(ctx, "twilio", time.Minute, "long"))
		r.must(r.store.Pause(ctx, "twilio", time.Second, "short"))
		if s := r.standing("twilio"); s.Paused < 50*time.Second || s.PausedWhy != "long" {
			t.Fatalf("%+v", s)
		}
		r.must(r.store.Trip(ctx, "twilio", otp.SMS, time.Minute))
		r.must(r.store.Trip(ctx, "twilio", otp.Email, time.Minute))
		r.must(r.store.Trip(ctx, "twilio", otp.SMS, 0))
		if s := r.standing("twilio"); len(s.Tripped) != 1 || s.Tripped[otp.Email] == 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestAnOperatorsOrderIsAnEventThatSaysWhoAndWhy(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.must(r.store.Drain(t.Context(), "twilio", "ops", "maintenance"))
		r.must(r.store.Resume(t.Context(), "twilio", "ops-2", "over"))
		got := r.stream(0)
		want := []map[string]any{
			{"type": "provider.drained", "provider": "twilio", "actor": "ops", "reason": "maintenance"},
			{"type": "provider.resumed", "provider": "twilio", "actor": "ops-2", "reason": "over"},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestAHundredWorkersTogetherKeepThePace(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		take := func() (admitted int32) {
			var n atomic.Int32
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					wait, err := r.store.Pace(t.Context(), "twilio", 0.5)
					if err != nil {
						t.Error(err)
					}
					if wait == 0 {
						n.Add(1)
					} else if wait > 2*time.Second {
						t.Errorf("wait %s", wait)
					}
				})
			}
			wg.Wait()
			return n.Load()
		}
		for range 5 {
			if n := take(); n != 1 {
				t.Fatalf("%d were admitted, want one in two seconds", n)
			}
			r.pass(2 * time.Second)
		}
	})
}

func TestASecondsBurstIsAdmittedAndNoMore(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		admitted := 0
		for range 100 {
			wait, err := r.store.Pace(t.Context(), "twilio", 20)
			r.must(err)
			if wait == 0 {
				admitted++
			}
		}
		if admitted < 20 || admitted > 60 { // what the time that passed adds
			t.Fatalf("%d of 100 were admitted at 20 a second", admitted)
		}
		ttl, err := r.rdb.PTTL(t.Context(), "pace:{00}twilio").Result()
		if err != nil || ttl <= 0 || ttl > 3*time.Second {
			t.Fatal(ttl, err)
		}
	})
}
