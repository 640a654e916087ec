package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
)

// errNotEntered is what a process answers that has not yet seen its store.
var errNotEntered = errors.New("has not reached its Redis yet")

// entry is a process' way into its store: until the store has agreed with its
// partitions and keys, nothing is read or written.
type entry struct {
	store      *redisstore.Store
	partitions int
	keys       otp.Keys // that it starts with
	about      string   // the process as it starts, for the audit trail
	log        *slog.Logger
	in         atomic.Bool
}

// wait tries until the store answers. It fails only if the store disagrees.
func (e *entry) wait(ctx context.Context) error {
	said := map[bool]bool{}
	for {
		try, cancel := context.WithTimeout(ctx, time.Second)
		err := e.store.Enter(try, e.partitions, e.keys)
		cancel()
		if err == nil {
			e.in.Store(true)
			e.log.Info("store entered")
			if err := e.tell(ctx, "process.started", e.about); err != nil {
				e.log.Warn("the start of this process is not in the events", "error", err)
			}
			return nil
		}
		if _, disagrees := errors.AsType[*redisstore.DisagreementError](err); disagrees {
			return err
		}
		if ctx.Err() == nil {
			e.say(said, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// say tells why a process is not in yet: once that its Redis is away, and once that it
// refuses it.
func (e *entry) say(said map[bool]bool, err error) {
	denied := redisstore.Denied(err)
	if said[denied] {
		return
	}
	said[denied] = true
	if denied {
		e.log.Error("store refuses the user of this process, trying on", "error", err)
		return
	}
	e.log.Error("store cannot be reached, trying on", "error", err)
}

// tell has it written down what becomes of a process, and with what configuration
// and keys it runs: a change of these is a start or a reload with others.
func (e *entry) tell(ctx context.Context, what, about string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return e.store.Tell(ctx, 0, "type", what, "reason", about)
}

// aboutProcess is what there is to tell of a process that runs with a configuration.
func aboutProcess(name string, c config.Config) string {
	ids := []string{c.Keys.Primary}
	for _, k := range c.Keys.Ring {
		if k.ID != c.Keys.Primary {
			ids = append(ids, k.ID)
		}
	}
	return fmt.Sprintf("%s %s config %s keys %s", name, Version(), c.Mark(), strings.Join(ids, ","))
}

// ready is for /readyz.
func (e *entry) ready(ctx context.Context) error {
	if !e.in.Load() {
		return errNotEntered
	}
	return e.store.Ping(ctx)
}

// gate answers 503 until the process is in.
func (e *entry) gate(next, closed http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !e.in.Load() {
			closed.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func newStore(c config.Config) redisstore.Store {
	return redisstore.Store{
		Retention: time.Duration(c.Store.Retention), EventsKept: c.Store.EventsKept, AskAfter: time.Duration(c.Worker.AskAfter), Replicas: replicas(c), AuditStrict: c.Audit.Strict,
	}
}
