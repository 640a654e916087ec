package devkit_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/otpipe/otpipe/internal/devkit"
)

func TestAKeyInTheEmbeddedRedisDisappearsWhenItsTimeIsUp(t *testing.T) {
	c := embeddedRedis(t)
	start := time.Now()
	if err := c.Set(t.Context(), "k", "v", 300*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	gone := func() bool { return errors.Is(c.Get(t.Context(), "k").Err(), redis.Nil) }
	for !gone() {
		if time.Since(start) > 5*time.Second {
			t.Fatal("the key is still there after 5 s")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if lived := time.Since(start); lived < 150*time.Millisecond {
		t.Errorf("the key lived %s, want about 300ms", lived)
	}
}

func TestTheEmbeddedRedisTellsTheTimeOfTheWall(t *testing.T) {
	c := embeddedRedis(t)
	before := time.Now().Truncate(time.Microsecond)
	got, err := c.Time(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	if got.Before(before) || got.After(time.Now()) {
		t.Errorf("got %s, want between %s and now", got, before)
	}
}

func TestClosingTheEmbeddedRedisLeavesNothingBehind(t *testing.T) {
	existing := goleak.IgnoreCurrent()
	r, err := devkit.StartRedis()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	r.Close()
	if _, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.Addr()); err == nil {
		t.Error("it still listens")
	}
	goleak.VerifyNone(t, existing)
}

func embeddedRedis(t *testing.T) *redis.Client {
	t.Helper()
	r, err := devkit.StartRedis()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	c := redis.NewClient(&redis.Options{Addr: r.Addr()})
	t.Cleanup(func() { _ = c.Close() })
	return c
}
