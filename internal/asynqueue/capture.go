package asynqueue

import (
	"context"
	"fmt"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
)

// capture lets asynq's own client write tasks down without sending them: its
// wire format stays asynq's, and many tasks fit into one round trip.
//
// It relies on Enqueue being SADD asynq:queues, once a queue, and one EVALSHA
// that answers 1 or 0; a test holds the pinned version of asynq to that.
type capture struct {
	client *asynq.Client
	hook   *captureHook
}

// captured is one command of asynq's client.
type captured struct {
	args     []any
	enqueues bool
}

func newCapture() *capture {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:0"}) // never dialled
	hook := &captureHook{}
	rdb.AddHook(hook)
	return &capture{client: asynq.NewClientFromRedisClient(rdb), hook: hook}
}

// encode returns the commands that enqueue the orders. It is not for
// concurrent use.
func (c *capture) encode(ctx context.Context, orders []otp.Due, more string) ([]captured, error) {
	c.hook.cmds = nil
	for _, d := range orders {
		if _, err := c.client.EnqueueContext(ctx, newTask(d, more)); err != nil {
			return nil, fmt.Errorf("encode task: %w", err)
		}
	}
	return c.hook.cmds, nil
}

// withSource sends the script along, for a server that does not know it.
func (c *capture) withSource(cmds []captured) []captured {
	all := make([]captured, len(cmds))
	for i, cmd := range cmds {
		all[i] = cmd
		if cmd.enqueues {
			all[i].args = append([]any{"eval", c.hook.source}, cmd.args[2:]...)
		}
	}
	return all
}

// captureHook keeps commands and answers them as an empty Redis would.
type captureHook struct {
	source any // of the enqueue script
	cmds   []captured
}

// DialHook leaves dialling alone; nothing dials.
func (h *captureHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook leaves pipelines alone; there are none.
func (h *captureHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook keeps the command. The first EVALSHA is refused, for asynq then
// shows the script's source.
func (h *captureHook) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		switch cmd.Name() {
		case "evalsha":
			if h.source == nil {
				return noScript{}
			}
		case "eval":
			h.source = cmd.Args()[1]
		case "sadd":
			h.cmds = append(h.cmds, captured{args: cmd.Args()})
			return nil
		default:
			return fmt.Errorf("asynq sent %s, which nobody expects", cmd.Name())
		}
		h.cmds = append(h.cmds, captured{args: cmd.Args(), enqueues: true})
		if c, ok := cmd.(*redis.Cmd); ok {
			c.SetVal(int64(1))
		}
		return nil
	}
}

// noScript is Redis' answer to an unknown EVALSHA.
type noScript struct{}

func (noScript) Error() string { return "NOSCRIPT" }
func (noScript) RedisError()   {}
