package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/redisstore"
)

// Exit codes, as sysexits.h has them.
const (
	ExitStopped     = 0
	ExitFailure     = 1
	ExitUsage       = 64 // of the command line
	ExitUnavailable = 69 // -check, -ready: what is asked is not there
	ExitConfig      = 78
)

// Main is the whole of a process: it reads flags and configuration, runs until
// a signal, and returns the exit code. A second signal ends it at once. SIGHUP has
// it read its configuration again.
func Main(name string, run func(context.Context, config.Config, *slog.Logger, Reloads) error) int {
	o, err := parse(name, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return ExitStopped
	case err != nil:
		return ExitUsage
	case o.version:
		_, _ = fmt.Fprintln(os.Stdout, name, Version())
		return ExitStopped
	}
	c, err := o.load()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return ExitConfig
	}
	ctx, stop := Signals()
	defer stop()
	if o.ready {
		return ready(ctx, name, c, os.Stderr)
	}
	if o.check {
		report := Examine(ctx, c)
		report.Write(Source(o.config), os.Stdout, os.Stderr)
		return report.Code()
	}
	tune()
	log := NewLog(c.Log, os.Stderr)
	warn(c, log)
	return exit(run(ctx, c, log, reloads(o)), log)
}

// reloads are asked for by SIGHUP, and read what was read at the start.
func reloads(o options) Reloads {
	asked := make(chan os.Signal, 1) // what is asked while a reload runs is one more
	signal.Notify(asked, syscall.SIGHUP)
	return Reloads{Asked: asked, Load: o.load}
}

// warn says what of a configuration is unwise.
func warn(c config.Config, log *slog.Logger) {
	for _, w := range c.Warnings() {
		log.Warn("configuration warning", "text", w)
	}
}

// options are what the command line says.
type options struct {
	config, level         string
	check, ready, version bool
}

// load reads the configuration that the command line names.
func (o options) load() (config.Config, error) {
	c, err := config.Load(o.config)
	if o.level != "" {
		c.Log.Level = o.level
	}
	return c, err
}

// parse reads the command line, and says itself what is wrong with it.
func parse(name string, args []string) (o options, err error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.StringVar(&o.config, "config", os.Getenv(config.ConfigVariable), "the configuration `file`; settings may also come from the environment as OTPIPE_…")
	flags.BoolVar(&o.check, "check", false, "check the configuration and what it needs, say what it means, and exit")
	flags.BoolVar(&o.ready, "ready", false, "ask the "+name+" that runs with this configuration whether it is ready, and exit")
	flags.BoolVar(&o.version, "version", false, "print the version and exit")
	flags.Func("log-level", "debug, info, warn or error, whatever the configuration says", func(level string) error {
		o.level = level
		if !slices.Contains(config.Levels, level) {
			return errors.New("want " + strings.Join(config.Levels, ", "))
		}
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintf(flags.Output(), "%s takes flags only; see %s -h\n", name, name)
		return o, errors.New("unexpected argument")
	}
	return o, nil
}

// Signals returns a context that ends at the first SIGTERM or SIGINT.
func Signals() (context.Context, func()) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop) // the second signal is the system's to handle
	return ctx, stop
}

// tune lets the heap, which is a few megabytes, grow further between
// collections than Go's default, which would collect hundreds of times a second
// under load. GOGC in the environment wins.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

func exit(err error, log *slog.Logger) int {
	if err == nil {
		return ExitStopped
	}
	log.Error("stopped", "error", err)
	if _, disagrees := errors.AsType[*redisstore.DisagreementError](err); disagrees || errors.Is(err, errMessages) {
		return ExitConfig
	}
	return ExitFailure
}

// Version is the version of the build: the module's, or the commit.
func Version() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := b.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range b.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "devel"
}
