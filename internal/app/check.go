package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/doctor"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
)

// patience is how long an examination waits for Redis.
const patience = 5 * time.Second

// Report is what an examination found. Nothing in it is secret.
type Report struct {
	Settings []Subject
	Warnings []string
	// Fault is what keeps a process from running; nil if nothing does.
	Fault error
}

// Examine tries what a process needs and tells what its settings mean. It
// changes nothing.
func Examine(ctx context.Context, c config.Config) Report {
	QuietRedis()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := Report{Warnings: c.Warnings()}
	if _, r.Fault = NewComposer(c); r.Fault != nil {
		return r
	}
	if _, r.Fault = newAtlas(c); r.Fault != nil {
		return r
	}
	r.Settings = overview(c)
	var about []string
	about, r.Fault = checkRedis(ctx, c)
	r.Warnings = append(r.Warnings, about...)
	return r
}

// Code is the exit code that tells what is to be started from what is to be changed.
func (r Report) Code() int {
	if r.Fault == nil {
		return ExitStopped
	}
	return CodeOf(r.Fault)
}

// CodeOf is the exit code of an error about what a process needs.
func CodeOf(err error) int {
	_, disagrees := errors.AsType[*redisstore.DisagreementError](err)
	_, missing := errors.AsType[unavailableError](err)
	if (missing || errors.Is(err, otp.ErrStoreUnavailable)) && !disagrees && !redisstore.Denied(err) {
		return ExitUnavailable
	}
	return ExitConfig
}

// Write is the report for people; source is where the settings are from.
func (r Report) Write(source string, out, wrong io.Writer) {
	if len(r.Settings) > 0 {
		_, _ = fmt.Fprintf(out, "configuration ok: %s\n\n", source)
	}
	for _, s := range r.Settings {
		_, _ = fmt.Fprintf(out, "  %-10s  %s\n", s.Name, s.Meaning)
	}
	for _, w := range r.Warnings {
		_, _ = fmt.Fprintln(out, "\nwarning:", w)
	}
	if r.Fault != nil {
		_, _ = fmt.Fprintln(wrong, r.Fault)
		return
	}
	_, _ = fmt.Fprintln(out, "\nredis answers, and agrees with the keys and partitions")
}

// Source says where the settings are from that the file at path begins.
func Source(path string) string {
	if path == "" {
		return "the environment"
	}
	return path + " and the environment"
}

// unavailableError says that something does not answer, or not as it must.
type unavailableError struct{ error }

func (e unavailableError) Unwrap() error { return e.error }

// checkRedis asks both, or the one that is both, and then the store whether it
// agrees.
func checkRedis(ctx context.Context, c config.Config) (warnings []string, err error) {
	found, err := checkServers(ctx, stateSetting, c.Redis.State, replicas(c))
	errs := []error{err}
	if ownQueue(c) {
		about, err := checkServers(ctx, queueSetting, c.Redis.Queue, 0)
		found, errs = append(found, about...), append(errs, err)
	}
	for _, f := range found {
		warnings = append(warnings, sentence(f))
	}
	if err := errors.Join(errs...); err != nil {
		return warnings, err
	}
	return warnings, checkStore(ctx, c)
}

// The settings that say where a Redis is.
const (
	stateSetting = "redis.url"
	queueSetting = "redis.queue_url"
)

// ownQueue tells whether the queue has a Redis of its own.
func ownQueue(c config.Config) bool {
	q := c.Redis.QueueURL
	return q.Set() && q.Reveal() != c.Redis.URL.Reveal()
}

// replicas are how many the state's Redis must have.
func replicas(c config.Config) int {
	if c.Store.Durability == "replicated" {
		return c.Store.Replicas
	}
	return 0
}

// sentence is a finding on one line.
func sentence(f doctor.Finding) string {
	if f.Do == "" {
		return f.Says
	}
	return f.Says + "; " + f.Do
}

// checkStore tells whether the store agrees.
func checkStore(ctx context.Context, c config.Config) error {
	_, done, err := OpenStore(ctx, c)
	if err == nil {
		done()
	}
	return err
}
