package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/redisstore"
)

// patience is how long -check waits for Redis.
const patience = 5 * time.Second

// check tries what a process needs, tells what its settings mean, and returns
// the exit code. It changes nothing.
func check(ctx context.Context, path string, c config.Config, out, wrong io.Writer) int {
	redis.SetLogger(redisLog{NewLog(config.Log{Level: "error"}, io.Discard)})
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	warnings := c.Warnings()
	_, err := NewComposer(c)
	if err == nil {
		_, _ = fmt.Fprintf(out, "configuration ok: %s\n\n%s", from(path), overview(c))
		var about []string
		about, err = checkRedis(ctx, c)
		warnings = append(warnings, about...)
	}
	for _, w := range warnings {
		_, _ = fmt.Fprintln(out, "\nwarning:", w)
	}
	if err != nil {
		_, _ = fmt.Fprintln(wrong, err)
		return checked(err)
	}
	_, _ = fmt.Fprintln(out, "\nredis answers, and agrees with the keys and partitions")
	return exitStopped
}

func from(path string) string {
	if path == "" {
		return "the environment"
	}
	return path + " and the environment"
}

// checked tells what is to be started from what is to be changed.
func checked(err error) int {
	_, disagrees := errors.AsType[*redisstore.DisagreementError](err)
	_, missing := errors.AsType[unavailableError](err)
	if missing && !disagrees {
		return exitUnavailable
	}
	return exitConfig
}

// unavailableError says that something does not answer, or not as it must.
type unavailableError struct{ error }

func (e unavailableError) Unwrap() error { return e.error }

// checkRedis asks both, or the one that is both, and then the store whether it
// agrees.
func checkRedis(ctx context.Context, c config.Config) (warnings []string, err error) {
	replicas := 0
	if c.Store.Durability == "replicated" {
		replicas = c.Store.Replicas
	}
	warnings, err = checkServers(ctx, "redis.url", c.Redis.State, replicas)
	errs := []error{err}
	if q := c.Redis.QueueURL; q.Set() && q.Reveal() != c.Redis.URL.Reveal() {
		about, err := checkServers(ctx, "redis.queue_url", c.Redis.Queue, 0)
		warnings, errs = append(warnings, about...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return warnings, err
	}
	return warnings, checkStore(ctx, c)
}

func checkStore(ctx context.Context, c config.Config) error {
	keys, err := c.Secrets()
	if err != nil {
		return err
	}
	client, err := apiClient(c.Redis.State)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	store := newStore(c)
	store.Redis = client
	if err := store.Agrees(ctx, c.Store.Partitions, keys); err != nil {
		return unavailableError{fmt.Errorf("redis.url: %w", err)}
	}
	return nil
}
