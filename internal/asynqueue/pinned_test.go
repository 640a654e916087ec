package asynqueue_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redistest"
)

// These hold the pinned version of asynq to what the hooks know of it.

func TestAnIdleWorkerWaitsInsteadOfPolling(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	r := newRig(t, rdb)
	r.ring()
	r.serve(nil)
	r.ringer.Ring(t.Context(), order(1))
	r.await(1)
	before := scripts(t, rdb)
	time.Sleep(time.Second) // time is what it tests
	// The forwarder takes some twenty; polling every 5 ms would take two hundred
	// more. A busy machine only makes it fewer.
	if n := scripts(t, rdb) - before; n > 80 {
		t.Fatalf("%d scripts in an idle second: the hook does not recognise asynq's dequeue", n)
	}
}

func scripts(t *testing.T, rdb *redis.Client) (n int) {
	t.Helper()
	for line := range strings.Lines(rdb.Info(t.Context(), "commandstats").Val()) {
		var calls int
		if _, err := fmt.Sscanf(line, "cmdstat_evalsha:calls=%d,", &calls); err == nil {
			return calls
		}
	}
	return 0
}

func TestATaskThatEndsWhileRedisIsAwayIsNotRunAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	r := newRig(t, rdb)
	r.ring()
	began, finish := make(chan struct{}, 10), make(chan struct{})
	r.serve(func(context.Context, otp.Order) error { began <- struct{}{}; <-finish; return nil })
	r.ringer.Ring(t.Context(), order(1))
	<-began
	server.Kill()
	close(finish)
	// The handler's own end must meet the absence, so that only asynq's syncer is left to write it.
	time.Sleep(time.Second)
	server.Restart(t)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if n, err := rdb.LLen(t.Context(), "asynq:{sms}:active").Result(); err == nil && n == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the finished task still counts as running: asynq would run it again")
		}
	}
}
