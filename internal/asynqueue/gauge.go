package asynqueue

import (
	"fmt"
	"slices"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
)

// Gauge reads how the queues stand. It may be used by many goroutines at once.
type Gauge struct{ inspect *asynq.Inspector }

// NewGauge makes a gauge of the queues in rdb.
func NewGauge(rdb redis.UniversalClient) *Gauge {
	return &Gauge{asynq.NewInspectorFromRedisClient(rdb)}
}

// Read tells how many orders of a channel wait for a worker or for their next
// try, and for how long the oldest of the first has waited.
func (g *Gauge) Read(ch otp.Channel) (waiting int, oldest time.Duration, err error) {
	known, err := g.inspect.Queues()
	if err != nil {
		return 0, 0, fmt.Errorf("list queues: %w", err)
	}
	if !slices.Contains(known, string(ch)) {
		return 0, 0, nil // nothing was ever sent on it
	}
	info, err := g.inspect.GetQueueInfo(string(ch))
	if err != nil {
		return 0, 0, fmt.Errorf("read queue %s: %w", ch, err)
	}
	return info.Pending + info.Retry + info.Scheduled, info.Latency, nil
}
