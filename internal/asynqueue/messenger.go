package asynqueue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/notify"
)

// Messenger serves the queue of notices. It is wired by app; every field is
// required.
type Messenger struct {
	Redis       func() redis.UniversalClient
	Concurrency int
	Deliver     func(ctx context.Context, n notify.Notice, tries int) error
	Log         *slog.Logger
	Drain       time.Duration // how long running posts may take at the end
}

// Run serves until ctx ends, then lets running posts finish.
func (m *Messenger) Run(ctx context.Context) error {
	return serve(ctx, m.Redis, m.handle, asynq.Config{
		Concurrency:              m.Concurrency,
		Queues:                   map[string]int{NoticeQueue: 1},
		TaskCheckInterval:        100 * time.Millisecond, // should waking up by BLMOVE not work
		DelayedTaskCheckInterval: time.Second,
		ShutdownTimeout:          m.Drain,
		RetryDelayFunc:           noticeDelay,
		IsFailure:                tried,
		Logger:                   asynqLog{m.Log},
		LogLevel:                 asynq.WarnLevel,
	})
}

func (m *Messenger) handle(ctx context.Context, t *asynq.Task) error {
	n, err := readNotice(t)
	if err != nil {
		m.Log.ErrorContext(ctx, "a task that is no notice was thrown away", "queue", NoticeQueue)
		return fmt.Errorf("%w: %w", err, asynq.RevokeTask)
	}
	tries, _ := asynq.GetRetryCount(ctx)
	if err := m.Deliver(ctx, n, tries); err != nil {
		return taskError{err}
	}
	return nil
}

// tried tells whether a run counts: asynq hands the count to the next one.
func tried(err error) bool {
	again, ok := errors.AsType[*notify.RetryError](err)
	return ok && again.Tried
}

// noticeDelay is what the messenger asked for; see retryDelay.
func noticeDelay(_ int, err error, _ *asynq.Task) time.Duration {
	if again, ok := errors.AsType[*notify.RetryError](err); ok {
		return again.After + 500*time.Millisecond
	}
	return time.Second // its worker died, or stopped before it was done
}
