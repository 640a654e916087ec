package asynqueue

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// peekFor is how long an idle server waits for a task at a time; stopping
	// one takes up to that long.
	peekFor = time.Second
	// peekAfterError keeps a server whose Redis is away from spinning.
	peekAfterError = 100 * time.Millisecond
	// syncerLimit is for a command whose own context has ended.
	syncerLimit = 3 * time.Second
)

// wakeHook makes an asynq server begin a task at once instead of at its next
// poll. When its dequeue script finds nothing, the hook waits on another
// connection until there is something, by a BLMOVE from the queue's tail to the
// queue's tail, which changes nothing, and lets the script run once more. A
// failing BLMOVE only means that polling is all there is.
//
// One queue a server: it would wait on the first empty queue and starve the others.
type wakeHook struct {
	peek redis.UniversalClient
	stop <-chan struct{}
}

// DialHook leaves dialling alone.
func (h *wakeHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook leaves pipelines alone.
func (h *wakeHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook waits after an empty dequeue.
func (h *wakeHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		pending, dequeues := dequeueFrom(cmd)
		if !dequeues || !errors.Is(err, redis.Nil) || h.stopped() {
			return err
		}
		h.wait(ctx, pending)
		cmd.SetErr(nil)
		return next(ctx, cmd)
	}
}

func (h *wakeHook) stopped() bool {
	select {
	case <-h.stop:
		return true
	default:
		return false
	}
}

func (h *wakeHook) wait(ctx context.Context, pending string) {
	err := h.peek.BLMove(ctx, pending, pending, "RIGHT", "RIGHT", peekFor).Err()
	if err == nil || errors.Is(err, redis.Nil) {
		return
	}
	select {
	case <-h.stop:
	case <-time.After(peekAfterError):
	}
}

// dequeueFrom recognises asynq's dequeue script by its keys and returns the
// list it takes tasks from; a test holds the pinned version of asynq to that.
func dequeueFrom(cmd redis.Cmder) (pending string, ok bool) {
	keys := scriptKeys(cmd)
	if len(keys) != 4 || !strings.HasSuffix(keys[0], ":pending") || !strings.HasSuffix(keys[1], ":paused") {
		return "", false
	}
	return keys[0], true
}

// syncerHook mends asynq's syncer, which writes the end of a task again after a
// failure, but with a context that has ended by then. Without it a moment
// without Redis leaves finished tasks to be run again a minute later.
type syncerHook struct{}

// DialHook leaves dialling alone.
func (syncerHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook leaves pipelines alone.
func (syncerHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook gives the scripts that end a task a context of their own if
// theirs has ended.
func (syncerHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if ctx.Err() != nil && endsTask(cmd) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), syncerLimit)
			defer cancel()
		}
		return next(ctx, cmd)
	}
}

func endsTask(cmd redis.Cmder) bool {
	for _, k := range scriptKeys(cmd) {
		if strings.HasSuffix(k, "}:lease") {
			return true
		}
	}
	return false
}

// scriptKeys are the keys of an EVAL or EVALSHA.
func scriptKeys(cmd redis.Cmder) []string {
	args := cmd.Args()
	if name := cmd.Name(); (name != "evalsha" && name != "eval") || len(args) < 3 {
		return nil
	}
	n, ok := args[2].(int)
	if !ok || len(args) < 3+n {
		return nil
	}
	keys := make([]string, 0, n)
	for _, a := range args[3 : 3+n] {
		k, _ := a.(string)
		keys = append(keys, k)
	}
	return keys
}
