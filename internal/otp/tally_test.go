package otp_test

import (
	"math"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// delays counts durations as the store does.
func delays(all ...time.Duration) otp.Delays {
	d := otp.Delays{}
	for _, one := range all {
		d[int(2*math.Log2(float64(one.Milliseconds())))]++
	}
	return d
}

func TestAQuantileIsNearTheDurationThatHasSoManyBelowIt(t *testing.T) {
	t.Parallel()
	var all []time.Duration
	for i := range 1000 {
		all = append(all, time.Duration(i+1)*20*time.Millisecond) // evenly up to 20 s
	}
	d := delays(all...)
	for share, want := range map[float64]time.Duration{.1: 2 * time.Second, .5: 10 * time.Second, .9: 18 * time.Second, 1: 20 * time.Second} {
		got := d.Quantile(share)
		if off := math.Abs(got.Seconds()-want.Seconds()) / want.Seconds(); off > .2 {
			t.Errorf("%g: got %s, want about %s", share, got, want)
		}
	}
	if d.Count() != 1000 {
		t.Errorf("%d counted", d.Count())
	}
}

func TestAQuantileOfFewIsOneOfThem(t *testing.T) {
	t.Parallel()
	if got := (otp.Delays{}).Quantile(.5); got != 0 {
		t.Errorf("of none: %s", got)
	}
	if got := delays(4 * time.Second).Quantile(.5); got < 2800*time.Millisecond || got > 5700*time.Millisecond {
		t.Errorf("of one of 4 s: %s", got)
	}
	d := delays(time.Second, time.Minute)
	d.Add(delays(time.Minute))
	if got := d.Quantile(.5); got < 40*time.Second || got > 90*time.Second {
		t.Errorf("of 1 s and twice a minute: %s", got)
	}
}
