package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redistest"
)

// Buckets are about many recipients, who lie on many nodes of a cluster: there the
// configuration refuses them.
func onServers(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		t.Parallel()
		test(t, newRig(t, c))
	})
}

func bucket(name string, most int64, interval time.Duration) otp.Bucket {
	return otp.Bucket{Name: name, Key: "key", Max: most, Interval: interval, Cost: 1}
}

// limited is the limit that refused a start; nil if none did.
func limited(err error) *otp.LimitError {
	le, _ := errors.AsType[*otp.LimitError](err)
	return le
}

// lines of a dump, in an order of their own.
func lines(dump []byte) []string { return slices.Sorted(strings.Lines(string(dump))) }

var people atomic.Int64

// stranger is a number that nobody has had.
func stranger() string { return fmt.Sprintf("+49151%08d", people.Add(1)) }

func (r *rig) counted(to string, buckets ...otp.Bucket) (otp.Opened, error) {
	r.t.Helper()
	o := r.opening(ask{to: to}.filled())
	o.Buckets = buckets
	return r.store.Start(r.t.Context(), o)
}

func (r *rig) admitted(buckets ...otp.Bucket) {
	r.t.Helper()
	if _, err := r.counted(stranger(), buckets...); err != nil {
		r.t.Fatalf("refused: %v", err)
	}
}

func (r *rig) full(name string, buckets ...otp.Bucket) (wait time.Duration) {
	r.t.Helper()
	o, err := r.counted(stranger(), buckets...)
	le := limited(err)
	if le == nil || le.Limit != otp.LimitRate || le.Bucket != name || le.RetryAfter <= 0 {
		r.t.Fatalf("got %+v, %v; want bucket %s to be full", o, err, name)
	}
	return le.RetryAfter
}

func TestABucketAdmitsExactlyItsMostOfAHundredParallelStarts(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		for _, most := range []int64{7, 40} { // kept to the millisecond, and by slices
			var admitted atomic.Int64
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					_, err := r.counted(stranger(), bucket(fmt.Sprintf("of-%d", most), most, time.Hour))
					if err == nil {
						admitted.Add(1)
					} else if le := limited(err); le == nil || le.Limit != otp.LimitRate {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if n := admitted.Load(); n != most {
				t.Errorf("%d of at most %d", n, most)
			}
		}
	})
}

func TestWhereOneBucketIsFullNothingIsCounted(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		small, large := bucket("small", 1, time.Hour), bucket("large", 100, time.Hour)
		r.admitted(small)
		before := lines(dumpOf(t, r.rdb))
		r.full("small", large, small)
		r.full("small", small, large)
		if d := cmp.Diff(before, lines(dumpOf(t, r.rdb))); d != "" {
			t.Error(d)
		}
	})
}

func TestWhereARecipientsLimitRefusesNoBucketIsCharged(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		b := bucket("two", 2, time.Hour)
		to := stranger()
		if _, err := r.counted(to, b); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := r.counted(to, b); limited(err) == nil || limited(err).Limit != otp.LimitCooldown {
				t.Fatal(err)
			}
		}
		r.admitted(b)
		r.full("two", b)
	})
}

func TestARepeatedStartIsCountedOnce(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		o := r.opening(ask{to: stranger()}.filled())
		o.Buckets = []otp.Bucket{bucket("two", 2, time.Hour)}
		for range 3 {
			if _, err := r.store.Start(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		r.admitted(o.Buckets...)
		r.full("two", o.Buckets...)
	})
}

func TestOfSeveralFullBucketsTheLongestWaitIsTold(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		short, long := bucket("short", 1, time.Minute), bucket("long", 1, time.Hour)
		r.admitted(short, long)
		for _, both := range [][]otp.Bucket{{long, short}, {short, long}} {
			if wait := r.full("long", both...); wait > time.Hour || wait < 59*time.Minute {
				t.Errorf("wait %s", wait)
			}
		}
	})
}

// No interval has more than its bucket allows, whatever the times; and whoever waits
// as long as they were told is admitted.
func TestNoIntervalHasMoreThanItsBucketAllows(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		for _, most := range []int64{3, 30} {
			const interval = time.Hour
			random := rand.New(rand.NewPCG(uint64(most), 1))
			b := bucket(fmt.Sprintf("random-%d", most), most, interval)
			var admitted []time.Duration
			for range 300 {
				r.pass(time.Duration(random.Int64N(int64(interval) / most)))
				_, err := r.counted(stranger(), b)
				if le := limited(err); le != nil {
					if random.IntN(4) > 0 {
						continue
					}
					r.pass(le.RetryAfter)
					if _, err = r.counted(stranger(), b); err != nil {
						t.Fatalf("waited for %s and got %v", le.RetryAfter, err)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				admitted = append(admitted, time.Duration(r.ahead.Load()))
			}
			for i := int(most); i < len(admitted); i++ {
				// The clock runs on by itself, by what the test takes.
				if within := admitted[i] - admitted[i-int(most)]; within < interval-time.Minute {
					t.Fatalf("%d within %s", most+1, within)
				}
			}
			if len(admitted) < 100 {
				t.Fatalf("only %d were admitted", len(admitted))
			}
		}
	})
}

func TestABucketCountsWhatAStartCosts(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		spend := otp.Bucket{Name: otp.DailySpend, Key: "DE", Max: 1_000_000, Interval: 24 * time.Hour, Cost: 75_000}
		for range 13 {
			r.admitted(spend)
		}
		r.full(otp.DailySpend, spend)
		r.pass(24*time.Hour + time.Hour)
		r.admitted(spend)
		dear := spend
		dear.Name, dear.Cost = "dear", 2_000_000
		if wait := r.full("dear", dear); wait != dear.Interval {
			t.Errorf("what costs more than there ever is waits for %s", wait)
		}
	})
}

func TestABucketStaysSmallHoweverLongItIsUsed(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		for range 100 {
			r.pass(7 * time.Minute)
			_, err := r.counted(stranger(), bucket("busy", 1000, time.Hour), bucket("small", 5, time.Hour))
			if err != nil && limited(err) == nil {
				t.Fatal(err)
			}
		}
		for _, key := range stored(t, r.rdb, "bucket:*") {
			const most = 25 * len("1795706349379 1000 ")
			if n := len(r.rdb.Get(t.Context(), key).Val()); n > most {
				t.Errorf("%s has %d bytes", key, n)
			}
		}
	})
}

func TestABucketGoesWhenItsIntervalIsOver(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		r.admitted(bucket("short", 100, time.Minute), bucket("long", 2, time.Hour))
		for _, key := range stored(t, r.rdb, "bucket:*") {
			if ttl := r.rdb.PTTL(context.Background(), key).Val(); ttl <= 0 || ttl > time.Hour+2*time.Minute {
				t.Errorf("%s lives for %s", key, ttl)
			}
		}
	})
}
