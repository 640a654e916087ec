package redisstore_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redistest"
)

// The benchmarks report what a script costs the server beside what a caller
// waits for: the server has one thread, so the first is what sets the ceiling.

func BenchmarkStart(b *testing.B) {
	r := newBench(b)
	asks := make([]otp.Opening, b.N)
	for i := range asks {
		asks[i] = r.opening(ask{to: number(i)}.filled())
	}
	r.measure(b, func(i int) error {
		_, err := r.store.Start(b.Context(), asks[i])
		return err
	})
}

func BenchmarkWrongCheck(b *testing.B) { benchmarkCheck(b, "654321", otp.CodeMismatch) }
func BenchmarkRightCheck(b *testing.B) { benchmarkCheck(b, "123456", "") }

func benchmarkCheck(b *testing.B, typed string, want otp.Reason) {
	r := newBench(b)
	guesses := make([]otp.Guess, b.N)
	for i := range guesses {
		r.accept(r.mustStart(ask{to: number(i)}).Order)
		guesses[i] = r.guess(ask{to: number(i), code: typed}.filled())
	}
	r.measure(b, func(i int) error {
		v, err := r.store.Check(b.Context(), guesses[i])
		if err == nil && v.Reason != want {
			err = fmt.Errorf("got %q, want %q", v.Reason, want)
		}
		return err
	})
}

func number(i int) string { return fmt.Sprintf("+49151%08d", i) }

func newBench(b *testing.B) *rig {
	s := redistest.Start(b)
	c := redis.NewClient(&redis.Options{Addr: s.Addr()})
	b.Cleanup(func() { _ = c.Close() })
	return newRig(b, c)
}

func (r *rig) measure(b *testing.B, op func(i int) error) {
	r.rdb.ConfigResetStat(b.Context())
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if err := op(i); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	info, err := r.rdb.InfoMap(b.Context(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	_, text, _ := strings.Cut(info["Commandstats"]["cmdstat_evalsha"], "usec_per_call=")
	text, _, _ = strings.Cut(text, ",")
	spent, err := strconv.ParseFloat(text, 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(spent, "redis-µs/op")
}
