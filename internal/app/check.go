package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
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
	warnings, err = checkServer(ctx, "redis.url", c.Redis.URL.Reveal(), c)
	errs := []error{err}
	if c.QueueURL() != c.Redis.URL.Reveal() {
		about, err := checkServer(ctx, "redis.queue_url", c.QueueURL(), c)
		warnings, errs = append(warnings, about...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return warnings, err
	}
	return warnings, checkStore(ctx, c)
}

func checkServer(ctx context.Context, setting, url string, c config.Config) ([]string, error) {
	client, err := apiClient(url)
	if err != nil {
		return nil, fmt.Errorf("%s: want redis://host:6379/0", setting)
	}
	defer func() { _ = client.Close() }()
	text, err := client.Info(ctx).Result()
	switch {
	case redis.IsAuthError(err):
		return nil, fmt.Errorf("%s: this Redis wants another user or password", setting)
	case redis.IsPermissionError(err):
		return []string{setting + ": its user may not ask INFO, so its version and settings are not known"}, nil
	case err != nil:
		return nil, unavailableError{fmt.Errorf("%s: Redis does not answer: %w", setting, err)}
	}
	facts := server(text)
	if !facts.atLeast(6, 2) {
		return nil, unavailableError{fmt.Errorf("%s: this is Redis %s: want 6.2 or newer", setting, facts["redis_version"])}
	}
	replicas := 0
	if setting == "redis.url" && c.Store.Durability == "replicated" {
		replicas = c.Store.Replicas
	}
	return facts.warnings(setting, replicas), nil
}

func checkStore(ctx context.Context, c config.Config) error {
	keys, err := c.Secrets()
	if err != nil {
		return err
	}
	client, err := apiClient(c.Redis.URL.Reveal())
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

// facts are what a Redis tells of itself.
type facts map[string]string

func server(info string) facts {
	all := facts{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}

func (f facts) atLeast(major, minor int) bool {
	var have, and int
	if _, err := fmt.Sscanf(f["redis_version"], "%d.%d", &have, &and); err != nil {
		return false
	}
	return have > major || have == major && and >= minor
}

func (f facts) warnings(setting string, replicas int) (all []string) {
	warn := func(ok bool, format string, args ...any) {
		if !ok {
			all = append(all, setting+": "+fmt.Sprintf(format, args...))
		}
	}
	policy := f["maxmemory_policy"]
	warn(policy == "noeviction" || policy == "", "maxmemory-policy is %s: a full Redis would drop codes and locks; want noeviction", policy)
	warn(f["aof_enabled"] != "0", "appendonly is off: what is pending, and all limits, are lost when Redis restarts; want appendonly yes")
	var have int
	_, _ = fmt.Sscan(f["connected_slaves"], &have)
	warn(have >= replicas, "store.replicas wants %d, this Redis has %d: no start would be accepted", replicas, have)
	return all
}
