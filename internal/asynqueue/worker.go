package asynqueue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
)

// Worker serves one queue. It is wired by app; every field is required.
type Worker struct {
	Channel     otp.Channel // whose queue
	Redis       func() redis.UniversalClient
	Concurrency int
	Deliver     func(ctx context.Context, o otp.Order) error
	Log         *slog.Logger
	Drain       time.Duration // how long running hand-overs may take at the end
}

// Run serves until ctx ends, then lets running hand-overs finish.
func (w *Worker) Run(ctx context.Context) error {
	return serve(ctx, w.Redis, w.handle, asynq.Config{
		Concurrency:              w.Concurrency,
		Queues:                   map[string]int{string(w.Channel): 1},
		TaskCheckInterval:        5 * time.Millisecond, // should waking up by BLMOVE not work
		DelayedTaskCheckInterval: 100 * time.Millisecond,
		ShutdownTimeout:          w.Drain,
		RetryDelayFunc:           retryDelay,
		IsFailure:                func(error) bool { return false }, // the send's life ends the retries, not a count
		Logger:                   asynqLog{w.Log},
		LogLevel:                 asynq.WarnLevel,
	})
}

func (w *Worker) handle(ctx context.Context, t *asynq.Task) error {
	ctx = traced(ctx, t)
	o, err := readOrder(t)
	if err != nil {
		w.Log.ErrorContext(ctx, "a task that is no order was thrown away", "queue", string(w.Channel))
		return fmt.Errorf("%w: %w", err, asynq.RevokeTask)
	}
	err = w.Deliver(ctx, o)
	if err == nil {
		return nil
	}
	if _, again := errors.AsType[*deliver.RetryError](err); !again {
		w.Log.ErrorContext(ctx, "send put off", "order", o.String(), "error", err)
	}
	return taskError{err}
}

// taskError keeps the words of an error out of the queue, which stores them.
type taskError struct{ err error }

func (taskError) Error() string   { return "put off" }
func (e taskError) Unwrap() error { return e.err }

// retryDelay is what the courier asked for. asynq rounds delays down to whole
// seconds, so half a second more makes them right in the middle.
func retryDelay(_ int, err error, _ *asynq.Task) time.Duration {
	if again, ok := errors.AsType[*deliver.RetryError](err); ok {
		if again.After == 0 {
			return 0
		}
		return again.After + 500*time.Millisecond
	}
	if errors.Is(err, asynq.ErrLeaseExpired) {
		return 0
	}
	return time.Second
}
