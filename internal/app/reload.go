package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/telemetry"
)

// reloadTime is how long a reload may wait for what it needs.
const reloadTime = 10 * time.Second

// Reloads have a process take its configuration anew while it runs. The zero value
// never does.
type Reloads struct {
	Asked <-chan os.Signal // SIGHUP
	Load  func() (config.Config, error)
}

// reloader takes a configuration whole or not at all: until everything that it
// asks for is made, nothing that runs is touched.
type reloader struct {
	Reloads
	name    string // of the process
	current config.Config
	in      *entry
	metrics *telemetry.Metrics
	log     *slog.Logger
	// prepare makes what is made of a configuration. begin puts that in the place of
	// what is there, and cannot fail.
	prepare func(c config.Config, keys otp.Keys) (begin func(), err error)
}

// run reloads whenever it is asked to, until ctx ends.
func (r *reloader) run(ctx context.Context) {
	r.metrics.Runs(r.current.Mark(), r.current.Keys.Primary)
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.Asked:
			r.reload(ctx)
		}
	}
}

func (r *reloader) reload(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	err := r.take(ctx)
	r.metrics.Reloaded(err == nil)
	if err == nil {
		warn(r.current, r.log)
		r.metrics.Runs(r.current.Mark(), r.current.Keys.Primary)
		r.log.Info("configuration taken", "mark", r.current.Mark(), "key", r.current.Keys.Primary)
		return
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return // the process stops
	}
	r.log.Error("configuration not taken, this process goes on with the one before", "mark", r.current.Mark(), "error", err)
	if err := r.in.tell(ctx, "process.reload_refused", aboutProcess(r.name, r.current)); err != nil {
		r.log.Warn("the refused configuration is not in the events", "error", err)
	}
}

// take is one reload. What it changes is in the events before it is in force.
func (r *reloader) take(ctx context.Context) error {
	next, err := r.Load()
	if err != nil {
		return err
	}
	if fixed := r.current.WantRestart(next); len(fixed) > 0 {
		return fmt.Errorf("%s: a restart takes another value, a running process does not", strings.Join(fixed, ", "))
	}
	keys, err := next.Secrets()
	if err != nil {
		return err
	}
	begin, err := r.prepare(next, keys)
	if err != nil {
		return err
	}
	if err := r.in.store.Enter(ctx, next.Store.Partitions, keys); err != nil {
		return err
	}
	if err := r.in.tell(ctx, "process.reloaded", aboutProcess(r.name, next)); err != nil {
		return err
	}
	begin()
	r.current = next
	return nil
}
