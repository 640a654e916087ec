package redistest_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/redistest"
)

func TestAClockThatIsMovedIsRedissTimeAtOnce(t *testing.T) {
	t.Parallel()
	s, clock := redistest.StartAhead(t, "--appendonly", "yes")
	c := redis.NewClient(&redis.Options{Addr: s.Addr()})
	t.Cleanup(func() { _ = c.Close() })
	ctx := t.Context()
	if err := c.Set(ctx, "a", "b", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	before := c.Time(ctx).Val()
	const day = 24 * time.Hour
	clock.Advance(t, day)
	if passed := c.Time(ctx).Val().Sub(before); passed < day || clock.Ahead() != day {
		t.Errorf("%s passed", passed)
	}
	if err := c.Get(ctx, "a").Err(); err != redis.Nil { //nolint:errorlint // go-redis returns it as it is
		t.Errorf("what lives for an hour is there after a day: %v", err)
	}
	told, err := c.Eval(ctx, "return redis.call('TIME')[1]", nil).Int64()
	if err != nil || time.Unix(told, 0).Before(before.Add(day-time.Second)) {
		t.Errorf("a script is told %d, %v", told, err)
	}
}
