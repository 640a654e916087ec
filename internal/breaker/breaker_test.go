package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/otpipe/otpipe/internal/breaker"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
)

var _ deliver.Breaker = (*breaker.Breaker)(nil)

var settings = breaker.Settings{Failures: 5, Ratio: 0.5, Least: 10, Window: 30 * time.Second, Open: 15 * time.Second, Probes: 2}

const limit = 9 * time.Second

// quiet makes a breaker that tells nobody.
func quiet() *breaker.Breaker { return breaker.New(settings, limit, func(string) {}) }

func fault(c otp.Class) error {
	return fmt.Errorf("send: %w", &otp.Fault{Class: c, Provider: "vendor", Code: "code"})
}

// hand makes hand-overs that end so, and tells how many were admitted.
func hand(b *breaker.Breaker, n int, err error) (admitted int) {
	for range n {
		if done, _ := b.Allow(); done != nil {
			done(err)
			admitted++
		}
	}
	return admitted
}

func want(t *testing.T, b *breaker.Breaker, state string) {
	t.Helper()
	if got := b.State(); got != state {
		t.Fatalf("%s, want %s", got, state)
	}
}

func TestOnlyTheProvidersFaultsAndSilenceOpenIt(t *testing.T) {
	t.Parallel()
	for err, opens := range map[error]bool{
		nil:                       false,
		fault(otp.FaultProvider):  true,
		fault(otp.FaultUnknown):   true,
		errors.New("of no class"): true,
		context.DeadlineExceeded:  true,
		fault(otp.FaultRecipient): false,
		fault(otp.FaultThrottled): false,
		fault(otp.FaultUs):        false,
		context.Canceled:          false,
	} {
		b := quiet()
		if admitted := hand(b, 1000, err); (admitted == 5) != opens || admitted != 5 && admitted != 1000 {
			t.Errorf("%v: %d of 1000 admitted", err, admitted)
		}
	}
}

func TestAShareOfFailuresOpensItToo(t *testing.T) {
	t.Parallel()
	b := quiet()
	for range 4 {
		hand(b, 1, nil)
		hand(b, 1, fault(otp.FaultProvider))
	}
	want(t, b, "closed") // half of them, but only eight
	hand(b, 1, nil)
	hand(b, 1, fault(otp.FaultProvider))
	want(t, b, "open")
}

func TestWhatIsLongAgoDoesNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := quiet()
		for range 4 {
			hand(b, 1, fault(otp.FaultProvider))
			hand(b, 1, nil)
		}
		time.Sleep(40 * time.Second)
		for range 4 {
			hand(b, 1, fault(otp.FaultProvider))
			hand(b, 1, nil)
		}
		want(t, b, "closed")
	})
}

func TestItFindsOutByItselfThatTheProviderWorksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var states []string
		b := breaker.New(settings, limit, func(s string) { states = append(states, s) })
		hand(b, 5, fault(otp.FaultProvider))
		synctest.Wait()
		if hand(b, 100, nil) != 0 {
			t.Fatal("admitted while open")
		}
		time.Sleep(5 * time.Second)
		if _, wait := b.Allow(); wait != 10*time.Second {
			t.Fatalf("come back in %s, want 10s", wait)
		}
		time.Sleep(16 * time.Second)
		want(t, b, "half_open")
		synctest.Wait()
		hand(b, 1, fault(otp.FaultUnknown))
		want(t, b, "open")
		synctest.Wait()
		time.Sleep(16 * time.Second)
		first, _ := b.Allow()
		second, _ := b.Allow()
		third, wait := b.Allow()
		if first == nil || second == nil || third != nil || wait != time.Second {
			t.Fatal("want two probes at a time")
		}
		synctest.Wait()
		first(nil)
		second(nil)
		want(t, b, "closed")
		synctest.Wait()
		if got := fmt.Sprint(states); got != "[open half_open open half_open closed]" {
			t.Fatal(got)
		}
	})
}

// A probe that never tells how it went would keep the breaker half open for ever.
func TestAProbeThatHangsHasFailedWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := quiet()
		hand(b, 5, fault(otp.FaultProvider))
		time.Sleep(16 * time.Second)
		first, _ := b.Allow()
		second, _ := b.Allow()
		time.Sleep(limit + time.Second)
		want(t, b, "open")
		time.Sleep(16 * time.Second)
		if hand(b, 2, nil) != 2 {
			t.Fatal("the probes that hung are in the way")
		}
		want(t, b, "closed")
		for range 10 { // too late, and too often
			first(fault(otp.FaultProvider))
			second(fault(otp.FaultProvider))
		}
		want(t, b, "closed")
	})
}

func TestAHandOverThatDidNotTakePlaceLeavesTheProbeToAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := quiet()
		hand(b, 5, fault(otp.FaultProvider))
		time.Sleep(16 * time.Second)
		if hand(b, 10, context.Canceled) != 10 {
			t.Fatal("a probe is used up")
		}
		hand(b, 2, nil)
		want(t, b, "closed")
	})
}

func TestItMayBeAskedFromItsOwnCallback(t *testing.T) {
	t.Parallel()
	var b *breaker.Breaker
	told := make(chan string, 10)
	b = breaker.New(settings, limit, func(string) { told <- b.State() })
	hand(b, 5, fault(otp.FaultProvider))
	if s := <-told; s != "open" {
		t.Fatal(s)
	}
}
