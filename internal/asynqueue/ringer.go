package asynqueue

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	ringerSize  = 4096 // orders that wait for a slow queue; more are left to the watch
	ringerBatch = 64
	ringLimit   = time.Second
)

// Ringer tells the workers that a send is due. Ring never blocks; what it
// loses, because the queue is down or the process dies, the watch finds.
type Ringer struct {
	redis   redis.UniversalClient
	capture *capture
	inspect *asynq.Inspector
	log     *slog.Logger
	lost    func(n int)
	orders  chan otp.Due
}

// NewRinger makes a ringer for the queue in rdb; it works once Run is called.
// lost is told how many orders were left to the watch.
func NewRinger(rdb redis.UniversalClient, log *slog.Logger, lost func(n int)) *Ringer {
	return &Ringer{
		redis: rdb, capture: newCapture(), inspect: asynq.NewInspectorFromRedisClient(rdb),
		log: log, lost: lost, orders: make(chan otp.Due, ringerSize),
	}
}

// Ring takes an order to ring for, or loses it if too many wait already.
func (r *Ringer) Ring(ctx context.Context, d otp.Due) {
	d.Trace = traceOf(ctx)
	select {
	case r.orders <- d:
	default:
		r.lost(1)
	}
}

// Run rings until ctx ends, and then for what is left.
func (r *Ringer) Run(ctx context.Context) {
	for {
		select {
		case d := <-r.orders:
			r.ring(r.batch(d))
		case <-ctx.Done():
			r.drain()
			return
		}
	}
}

func (r *Ringer) drain() {
	for {
		select {
		case d := <-r.orders:
			r.ring(r.batch(d))
		default:
			return
		}
	}
}

// batch adds what waits behind the first order, without waiting for more.
func (r *Ringer) batch(first otp.Due) []otp.Due {
	all := []otp.Due{first}
	for len(all) < ringerBatch {
		select {
		case d := <-r.orders:
			all = append(all, d)
		default:
			return all
		}
	}
	return all
}

// ring enqueues a batch in one round trip.
func (r *Ringer) ring(batch []otp.Due) {
	ctx, cancel := context.WithTimeout(context.Background(), ringLimit)
	defer cancel()
	taken, err := r.enqueue(ctx, batch, "")
	if err != nil {
		r.lost(len(batch))
		r.log.Warn("orders left to the watch", "count", len(batch), "error", err)
		return
	}
	for i, d := range batch {
		if !taken[i] && d.Overdue {
			r.replace(ctx, d)
		}
	}
}

// replace rings once more for an order whose task has the name already and yet
// is not worked on: a worker died after it took the task and before it claimed
// the send. asynq itself would bring it back after a minute or two.
func (r *Ringer) replace(ctx context.Context, d otp.Due) {
	info, err := r.inspect.GetTaskInfo(string(d.Channel), taskID(d))
	waits := err == nil && info.State != asynq.TaskStateActive && info.State != asynq.TaskStateArchived
	if waits || err != nil && !errors.Is(err, asynq.ErrQueueNotFound) { // a Redis that lost its list of queues
		return
	}
	if _, err := r.enqueue(ctx, []otp.Due{d}, "."+strconv.FormatInt(time.Now().UnixMilli(), 36)); err != nil {
		r.lost(1)
	}
}

// enqueue tells which of the orders were taken; the others' tasks exist already.
func (r *Ringer) enqueue(ctx context.Context, batch []otp.Due, more string) ([]bool, error) {
	cmds, err := r.capture.encode(ctx, batch, more)
	if err != nil {
		return nil, err
	}
	replies, err := r.exec(ctx, cmds)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		replies, err = r.exec(ctx, r.capture.withSource(cmds)) // a Redis that was restarted
	}
	if err != nil {
		return nil, err
	}
	taken := make([]bool, 0, len(batch))
	for i, cmd := range cmds {
		if cmd.enqueues {
			n, _ := replies[i].(*redis.Cmd).Int()
			taken = append(taken, n == 1)
		}
	}
	return taken, nil
}

func (r *Ringer) exec(ctx context.Context, cmds []captured) ([]redis.Cmder, error) {
	return r.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, c := range cmds {
			p.Do(ctx, c.args...)
		}
		return nil
	})
}
