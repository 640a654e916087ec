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

// place is where a Redis is: config.Redis' State or Queue.
type place func() (*redis.UniversalOptions, error)

// apiClient fails fast: a person waits, and the caller may try again. One
// repetition is safe, for every command of ours carries a nonce.
func apiClient(at place) (redis.UniversalClient, error) {
	o, err := at()
	if err != nil {
		return nil, err
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = 300*time.Millisecond, 350*time.Millisecond, 350*time.Millisecond, 300*time.Millisecond
	o.MaxRetries, o.DialerRetries = 1, 1
	o.MinRetryBackoff, o.MaxRetryBackoff = 5*time.Millisecond, 20*time.Millisecond
	o.PoolSize = 100
	return newClient(o), nil
}

// workerClient is patient: nobody waits for its answer, and without retries an
// asynq server whose Redis is away spins.
func workerClient(at place, connections int) (redis.UniversalClient, error) {
	o, err := at()
	if err != nil {
		return nil, err
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = 500*time.Millisecond, 2*time.Second, time.Second, 2*time.Second
	o.MaxRetries, o.DialerRetries = 2, 1
	o.MinRetryBackoff, o.MaxRetryBackoff = 20*time.Millisecond, 100*time.Millisecond
	o.PoolSize = connections
	return newClient(o), nil
}

// newClient is of the kind that the place is of.
func newClient(o *redis.UniversalOptions) redis.UniversalClient {
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true               // no user of deploy/redis may use CLIENT, which Redis would write down at each connection
	o.MaintNotificationsConfig = noNotices // a sentinels' client asks for none anyway
	if !o.IsClusterMode {
		return redis.NewUniversalClient(o)
	}
	c := o.Cluster()
	// It is the cluster's client that repeats, after an error as after being sent to
	// another node; its nodes' clients would repeat that again.
	c.MaxRedirects, c.MaxRetries = o.MaxRetries+1, -1
	// By itself it would keep to a dead master for a minute.
	c.ClusterStateReloadInterval = time.Second
	// All our commands have a key, and it would ask any node which ones do: a frozen one too.
	c.DisableRoutingPolicies = true
	return redis.NewClusterClient(c)
}

// QuietRedis keeps go-redis from writing to standard error in a process without
// a log.
func QuietRedis() { redis.SetLogger(redisLog{slog.New(slog.DiscardHandler)}) }

// redisLog keeps go-redis from writing to standard error by itself. What it
// says, the callers of failed commands say too.
type redisLog struct{ log *slog.Logger }

func (l redisLog) Printf(ctx context.Context, format string, _ ...any) {
	l.log.DebugContext(ctx, "redis client", "text", format)
}
