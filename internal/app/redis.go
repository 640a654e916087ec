package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// noNotices saves each new connection a question that only managed clusters answer.
var noNotices = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}

// apiClient fails fast: a person waits, and the caller may try again. One
// repetition is safe, for every command of ours carries a nonce.
func apiClient(url string) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = 300*time.Millisecond, 350*time.Millisecond, 350*time.Millisecond, 300*time.Millisecond
	o.MaxRetries, o.DialerRetries = 1, 1
	o.MinRetryBackoff, o.MaxRetryBackoff = 5*time.Millisecond, 20*time.Millisecond
	o.ContextTimeoutEnabled = true
	o.MaintNotificationsConfig = noNotices
	o.PoolSize = 100
	return redis.NewClient(o), nil
}

// workerClient is patient: nobody waits for its answer, and without retries an
// asynq server whose Redis is away spins.
func workerClient(url string, connections int) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = 500*time.Millisecond, 2*time.Second, time.Second, 2*time.Second
	o.MaxRetries, o.DialerRetries = 2, 1
	o.MinRetryBackoff, o.MaxRetryBackoff = 20*time.Millisecond, 100*time.Millisecond
	o.ContextTimeoutEnabled = true
	o.MaintNotificationsConfig = noNotices
	o.PoolSize = connections
	return redis.NewClient(o), nil
}

// redisLog keeps go-redis from writing to standard error by itself. What it
// says, the callers of failed commands say too.
type redisLog struct{ log *slog.Logger }

func (l redisLog) Printf(ctx context.Context, format string, _ ...any) {
	l.log.DebugContext(ctx, "redis client", "text", format)
}
