package redisstore_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
)

// long is a time that no test takes.
const long = time.Hour

func (r *rig) listen(p otp.Partition, most int, after time.Duration) (all []otp.Event, missed int) {
	r.t.Helper()
	all, missed, err := r.group().Listen(r.t.Context(), p, most, after)
	if err != nil {
		r.t.Fatal(err)
	}
	return all, missed
}

// stream is all that a partition's stream says, as it lies there.
func (r *rig) stream(p otp.Partition) (all []map[string]any) {
	r.t.Helper()
	events, err := r.rdb.XRange(r.t.Context(), "events:{"+p.String()+"}", "-", "+").Result()
	r.must(err)
	for _, e := range events {
		all = append(all, e.Values)
	}
	return all
}

func (r *rig) group() redisstore.Group { return redisstore.Group{Store: r.store, Name: "notices"} }

func (r *rig) heard(p otp.Partition, all []otp.Event) {
	r.t.Helper()
	if err := r.group().Heard(r.t.Context(), p, entries(all)); err != nil {
		r.t.Fatal(err)
	}
}

func entries(all []otp.Event) (names []string) {
	for _, e := range all {
		names = append(names, e.Entry)
	}
	return names
}

func kinds(all []otp.Event) (kinds []string) {
	for _, e := range all {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestEveryChangeOfAVerificationIsHeardOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.accept(o.Order)
		r.receive(o.Order, otp.Undelivered, func(rc *otp.Receipt) { rc.Reason = "twilio_30003" })
		r.mustCheck(ask{}, "")
		p := o.Order.ID.Partition()
		all, missed := r.listen(p, 100, long)
		want := []string{"verification.created", "send.claimed", "attempt.sending", "attempt.accepted", "attempt.undelivered", "send.queued", "verification.approved", "send.undelivered"}
		if diff := cmp.Diff(want, kinds(all)); diff != "" || missed != 0 {
			t.Fatalf("%d missed\n%s", missed, diff)
		}
		e := all[4]
		if since := time.Since(e.At); since < 0 || since > time.Minute {
			t.Errorf("it happened %s ago", since)
		}
		full := otp.Event{
			Entry: e.Entry, Partition: p, At: e.At, Kind: "attempt.undelivered", Verification: o.Order.ID, Namespace: otp.PhoneAuth, To: "+49•••",
			Send: 1, Attempt: 1, Provider: "twilio", Reason: "twilio_30003",
			Anchor: r.owner(ask{}.filled()).Anchor,
		}
		if diff := cmp.Diff(full, e); diff != "" {
			t.Error(diff)
		}
		if again, _ := r.listen(p, 100, long); len(again) != 0 {
			t.Errorf("heard twice: %v", kinds(again))
		}
		if other, missed := r.listen(p^1, 100, long); len(other) != 0 || missed != 0 {
			t.Errorf("in another partition: %v", kinds(other))
		}
	})
}

func TestWhatAWorkerTookBeforeItDiedIsHeardByAnother(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		p := r.mustStart(ask{}).Order.ID.Partition()
		taken, _ := r.listen(p, 100, long)
		if early, _ := r.listen(p, 100, long); len(early) != 0 {
			t.Errorf("it was not dead yet: %v", kinds(early))
		}
		left, missed := r.listen(p, 100, 0)
		if diff := cmp.Diff(taken, left); diff != "" || missed != 0 || len(left) == 0 {
			t.Fatalf("%d missed\n%s", missed, diff)
		}
		r.heard(p, left)
		if again, _ := r.listen(p, 100, 0); len(again) != 0 {
			t.Errorf("heard after it was finished: %v", kinds(again))
		}
	})
}

// add puts an event into the stream of partition 00 as the scripts would.
func (r *rig) add(n, kept int) {
	r.t.Helper()
	for i := range n {
		a := &redis.XAddArgs{Stream: "events:{00}", MaxLen: int64(kept), Values: []string{"type", fmt.Sprint("n", i)}}
		if err := r.rdb.XAdd(r.t.Context(), a).Err(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// Only Redis 7 tells how long a stream has been; the embedded one does not.
func TestWhatWasTrimmedBeforeItWasHeardIsCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t, redistest.Client(t))
	r.add(30, 20)
	if all, missed := r.listen(0, 5, long); len(all) != 5 || missed != 0 {
		t.Fatalf("what went before anybody listened is not missed: %d heard, %d missed", len(all), missed)
	}
	r.add(18, 20) // 48 in all, 28 gone: 13 that nobody took, and 5 that somebody took and did not finish
	all, missed := r.listen(0, 100, long)
	if len(all) != 20 || missed != 18 {
		t.Fatalf("%d heard, %d missed", len(all), missed)
	}
	r.heard(0, all)
	r.add(25, 20) // 5 of them are gone
	all, missed = r.listen(0, 100, long)
	if len(all) != 20 || missed != 5 {
		t.Fatalf("%d heard, %d missed", len(all), missed)
	}
	r.heard(0, all)
	if all, missed := r.listen(0, 100, 0); len(all) != 0 || missed != 0 {
		t.Fatalf("%d heard, %d missed twice", len(all), missed)
	}
}

func TestAStreamThatBeginsAnewIsHeardFromItsBeginning(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.add(5, 100)
		r.listen(0, 100, long)
		r.rdb.FlushDB(t.Context())
		if all, missed := r.listen(0, 100, long); len(all) != 0 || missed != 0 {
			t.Fatalf("%v, %d missed", kinds(all), missed)
		}
		r.add(2, 100)
		if all, missed := r.listen(0, 100, long); len(all) != 2 || missed != 0 {
			t.Fatalf("%v, %d missed", kinds(all), missed)
		}
	})
}

func TestAHundredListenersHearEachEventOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, redistest.Client(t))
	r.add(500, 1000)
	var mu sync.Mutex
	times := map[string]int{}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			for range 10 {
				got, _, err := r.group().Listen(t.Context(), 0, 3, long)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, e := range got {
					times[e.Entry]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(times) != 500 {
		t.Errorf("%d of 500 were heard", len(times))
	}
	for entry, n := range times {
		if n != 1 {
			t.Errorf("%s was heard %d times", entry, n)
		}
	}
}

func TestNoKeyOfTheListenersNamesAnybody(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		before := map[string]bool{}
		o := r.mustStart(ask{})
		for _, k := range r.rdb.Keys(t.Context(), "*").Val() {
			before[k] = true
		}
		r.listen(o.Order.ID.Partition(), 100, long)
		for _, k := range r.rdb.Keys(t.Context(), "*").Val() {
			if !before[k] && k != "heard:{"+o.Order.ID.Partition().String()+"}notices" || strings.Contains(k, "+49") {
				t.Errorf("%s", k)
			}
		}
	})
}
