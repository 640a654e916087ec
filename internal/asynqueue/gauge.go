package asynqueue

import (
	"fmt"
	"slices"

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

// Read tells how a queue stands: a channel's, or NoticeQueue.
func (g *Gauge) Read(queue string) (otp.QueueState, error) {
	known, err := g.inspect.Queues()
	if err != nil {
		return otp.QueueState{}, fmt.Errorf("list queues: %w", err)
	}
	if !slices.Contains(known, queue) {
		return otp.QueueState{}, nil // it has never been used
	}
	info, err := g.inspect.GetQueueInfo(queue)
	if err != nil {
		return otp.QueueState{}, fmt.Errorf("read queue %s: %w", queue, err)
	}
	return otp.QueueState{
		Waiting: info.Pending + info.Retry + info.Scheduled, Running: info.Active, Failing: info.Retry, Oldest: info.Latency, Dead: info.Archived,
	}, nil
}

// Servers tells how many processes serve each queue. One that has died is told of
// for ten seconds.
func (g *Gauge) Servers() (map[string]int, error) {
	all, err := g.inspect.Servers()
	if err != nil {
		return nil, fmt.Errorf("list the queues' servers: %w", err)
	}
	serving := map[string]int{}
	for _, s := range all {
		for queue := range s.Queues {
			serving[queue]++
		}
	}
	return serving, nil
}
