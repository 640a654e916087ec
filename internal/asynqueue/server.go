package asynqueue

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// serve works on one queue until ctx ends, and then lets what runs finish. rdb
// makes clients of its own for it.
func serve(ctx context.Context, rdb func() redis.UniversalClient, handle asynq.HandlerFunc, c asynq.Config) error {
	own, peek := rdb(), rdb()
	defer func() { _, _ = own.Close(), peek.Close() }()
	own.AddHook(syncerHook{})
	own.AddHook(&wakeHook{peek: peek, stop: ctx.Done()})
	srv := asynq.NewServerFromRedisClient(own, c)
	if err := start(ctx, srv, handle); err != nil {
		return err
	}
	<-ctx.Done()
	srv.Shutdown()
	return nil
}

// start keeps trying while Redis is away: asynq itself gives up at once.
func start(ctx context.Context, srv *asynq.Server, handle asynq.HandlerFunc) error {
	for {
		err := srv.Ping()
		if err == nil {
			return srv.Start(handle)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// asynqLog writes asynq's log lines as ours. They hold task ids, not payloads.
type asynqLog struct{ log *slog.Logger }

func (l asynqLog) Debug(args ...any) { l.log.Debug("asynq", "text", fmt.Sprint(args...)) }
func (l asynqLog) Info(args ...any)  { l.log.Info("asynq", "text", fmt.Sprint(args...)) }
func (l asynqLog) Warn(args ...any)  { l.log.Warn("asynq", "text", fmt.Sprint(args...)) }
func (l asynqLog) Error(args ...any) { l.log.Error("asynq", "text", fmt.Sprint(args...)) }
func (l asynqLog) Fatal(args ...any) { l.log.Error("asynq", "text", fmt.Sprint(args...)) }
