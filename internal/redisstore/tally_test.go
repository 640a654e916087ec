package redisstore_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

// tallies are of the last ten hours.
func (r *rig) tallies() []otp.Tally {
	r.t.Helper()
	now := time.Now().Add(time.Duration(r.ahead.Load()))
	all, err := r.store.Tallies(r.t.Context(), 16, now.Add(-10*time.Hour), now)
	r.must(err)
	return all
}

// tallied wants the tallies to be these, whatever the hour.
func (r *rig) tallied(want ...otp.Tally) {
	r.t.Helper()
	got := sizeless(r.tallies())
	for i, t := range got {
		if t.Hour.IsZero() || !t.Hour.Equal(t.Hour.Truncate(time.Hour)) {
			r.t.Errorf("%s is no hour", t.Hour)
		}
		got[i].Hour = time.Time{}
	}
	for i := range want {
		w := &want[i]
		w.Namespace, w.Channel = orElse(w.Namespace, otp.PhoneAuth), orElse(w.Channel, otp.SMS)
		w.Stand, w.Refused, w.Delays = orNone(w.Stand), orNone(w.Refused), orNone(w.Delays)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Errorf("tallies: -want +got\n%s", diff)
	}
}

func orElse[S ~string](s, other S) S {
	if s == "" {
		return other
	}
	return s
}

func orNone[M ~map[K]V, K comparable, V any](m M) M {
	if m == nil {
		return M{}
	}
	return m
}

func by(state otp.State, provider string) otp.Standpoint {
	return otp.Standpoint{State: state, Provider: provider}
}

// onTheHour keeps a test's few steps from falling into two hours.
func (r *rig) onTheHour() {
	r.ahead.Store(int64(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour + time.Minute))))
}

func TestWhatIsSaidTwiceIsTalliedOnce(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		r.onTheHour()
		a := ask{nonce: otp.NewNonce()}.filled()
		o := r.mustStart(a)
		r.mustStart(a) // the client repeats its command
		c := r.claim(o.Order, "w")
		for range 2 {
			r.must(r.begin(c, 1))
		}
		for range 2 {
			r.finish(c, 1, otp.Accepted, "")
		}
		r.tallied(otp.Tally{Opened: 1, Stand: map[otp.Standpoint]int{by(otp.Accepted, "twilio"): 1}})
		for range 2 {
			r.receive(o.Order, otp.Sent, nil)
			r.receive(o.Order, otp.Delivered, nil)
		}
		right := ask{nonce: otp.NewNonce()}
		for range 2 {
			r.mustCheck(right, "")
		}
		r.mustCheck(ask{}, otp.AlreadyUsed)
		r.tallied(otp.Tally{
			Opened: 1, Approved: 1, Stand: map[otp.Standpoint]int{by(otp.Delivered, "twilio"): 1}, Delays: otp.Delays{0: 1},
		})
	})
}

func TestWhatManySayAtOnceIsTalliedOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.onTheHour()
		const people, voices = 10, 10
		var all sync.WaitGroup
		for i := range people {
			a := ask{to: number(i), nonce: otp.NewNonce()}.filled()
			o := r.mustStart(a)
			r.accept(o.Order)
			guess := r.guess(ask{to: number(i), nonce: otp.NewNonce()}.filled())
			for range voices { // each says the same three things
				all.Go(func() {
					rc := otp.Receipt{Order: o.Order, Attempt: 1, Provider: "twilio", Ref: "SM1", State: otp.Delivered}
					if _, err := r.store.Receive(t.Context(), rc); err != nil {
						t.Error(err)
					}
					if _, err := r.store.Check(t.Context(), guess); err != nil {
						t.Error(err)
					}
					if _, err := r.start(a); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		r.tallied(otp.Tally{
			Opened: people, Approved: people, Delays: otp.Delays{0: people},
			Stand: map[otp.Standpoint]int{by(otp.Delivered, "twilio"): people},
		})
	})
}

func TestASendThatSeveralProvidersTriedIsTalliedWithTheOneThatTookIt(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.onTheHour()
		o := r.mustStart(ask{})
		c := r.claim(o.Order, "w")
		r.must(r.begin(c, 1))
		_, err := r.store.Finish(t.Context(), otp.Outcome{Order: c.Order, Attempt: 1, State: otp.Failed, Class: otp.FaultProvider, Reason: "r"})
		r.must(err)
		r.tallied(otp.Tally{Opened: 1, Refused: map[string]int{"twilio": 1}})
		_, err = r.store.Begin(t.Context(), c, 2, "backup")
		r.must(err)
		r.finish(c, 2, otp.Accepted, "")
		r.tallied(otp.Tally{
			Opened: 1, Refused: map[string]int{"twilio": 1}, Stand: map[otp.Standpoint]int{by(otp.Accepted, "backup"): 1},
		})
	})
}

func TestWhatComesLaterIsTalliedInTheHourThatItWasAskedFor(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.onTheHour()
		r.pass(58 * time.Minute)
		o := r.mustStart(ask{})
		r.accept(o.Order)
		r.pass(2 * time.Minute)
		r.mustStart(ask{}) // a resend, in the next hour
		r.mustCheck(ask{}, "")
		r.pass(3 * time.Hour)
		r.receive(o.Order, otp.Delivered, nil)
		all := r.tallies()
		if len(all) != 2 || !all[1].Hour.Equal(all[0].Hour.Add(time.Hour)) {
			t.Fatalf("%+v", all)
		}
		r.tallied(
			otp.Tally{Opened: 1, Approved: 1, Stand: map[otp.Standpoint]int{by(otp.Delivered, "twilio"): 1}, Delays: otp.Delays{0: 1}},
			otp.Tally{Resent: 1, Stand: map[otp.Standpoint]int{by(otp.SendSuperseded, ""): 1}},
		)
	})
}

func TestWhatBeganAsATextAndWasApprovedByMailIsTalliedWithTheTexts(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.onTheHour()
		o := r.startElse()
		_, _, _, err := r.store.Turn(t.Context(), r.claim(o, "one"), r.otherOwner(), "")
		r.must(err)
		r.mustCheck(ask{}, "")
		r.tallied(
			otp.Tally{Channel: otp.Email, Resent: 1, Stand: map[otp.Standpoint]int{by(otp.SendSuperseded, ""): 1}},
			otp.Tally{Opened: 1, Approved: 1, Stand: map[otp.Standpoint]int{by(otp.Failed, ""): 1}},
		)
	})
}

func TestAMailThatASecondRelayTakesHasOneDelay(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.onTheHour()
		o := r.opening(ask{}.filled())
		o.Channel = otp.Email
		got, err := r.store.Start(t.Context(), o)
		r.must(err)
		r.accept(got.Order)
		r.receive(got.Order, otp.Undelivered, nil)
		r.tallied(otp.Tally{Channel: otp.Email, Opened: 1, Delays: otp.Delays{0: 1}})
		r.accept(got.Order)
		r.tallied(otp.Tally{
			Channel: otp.Email, Opened: 1, Delays: otp.Delays{0: 1}, Stand: map[otp.Standpoint]int{by(otp.Accepted, "twilio"): 1},
		})
	})
}

func TestTalliesAreOfAllPartitionsAndApartByNamespace(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.onTheHour()
		for i := range 20 {
			r.mustStart(ask{to: number(i)})
		}
		r.mustStart(ask{to: number(30), ns: otp.AddPhone})
		r.tallied(otp.Tally{Namespace: otp.AddPhone, Opened: 1}, otp.Tally{Opened: 20})
		if got, err := r.store.Tallies(t.Context(), 16, time.Now().Add(-10*time.Hour), time.Now().Add(-5*time.Hour)); len(got) > 0 || err != nil {
			t.Fatal(got, err)
		}
	})
}

func TestDelaysTellHowLongADeliveryTook(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.onTheHour()
		for i, after := range []time.Duration{3 * time.Second, 5 * time.Second, 8 * time.Second, 8 * time.Second, 90 * time.Second} {
			o := r.mustStart(ask{to: number(i)})
			r.accept(o.Order)
			r.pass(after)
			r.receive(o.Order, otp.Delivered, nil)
		}
		d := r.tallies()[0].Delays
		if median := d.Quantile(.5); median < 6*time.Second || median > 12*time.Second {
			t.Errorf("median %s of %v", median, d)
		}
		if most := d.Quantile(1); most < 90*time.Second || most > 130*time.Second {
			t.Errorf("all within %s of %v", most, d)
		}
	})
}

func TestATallyIsKeptAWeekHoweverOftenItIsTouched(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		first := stored(t, r.rdb, "tally:*")
		r.accept(o.Order)
		r.receive(o.Order, otp.Delivered, nil)
		for _, key := range first {
			if ttl := r.rdb.PTTL(t.Context(), key).Val(); ttl < 8*24*time.Hour || ttl > 8*24*time.Hour+62*time.Minute {
				t.Errorf("%s is kept for %s", key, ttl)
			}
		}
		if len(first) != 1 {
			t.Fatal(first)
		}
		// A receipt that is later still makes no key that stays.
		r.must(r.rdb.Del(t.Context(), first[0]).Err())
		o = r.mustStart(ask{to: number(7)})
		r.accept(o.Order)
		for _, key := range stored(t, r.rdb, "tally:*") {
			r.must(r.rdb.Del(t.Context(), key).Err())
		}
		r.receive(o.Order, otp.Undelivered, nil)
		for _, key := range stored(t, r.rdb, "tally:*") {
			if r.rdb.PTTL(t.Context(), key).Val() <= 0 {
				t.Errorf("%s stays for ever", key)
			}
		}
	})
}
