package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/telemetry"
)

// Exit codes, as sysexits.h has them.
const (
	exitFailure = 1
	exitUsage   = 64
	exitConfig  = 78
)

// Main is the whole of a process: it reads flags and configuration, runs until
// a signal, and returns the exit code. A second signal ends it at once.
func Main(name string, run func(context.Context, config.Config, *slog.Logger) error) int {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	path := flags.String("config", os.Getenv("OTPIPE_CONFIG"), "configuration file; settings may also come from the environment as OTPIPE_…")
	version := flags.Bool("version", false, "print the version")
	if err := flags.Parse(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitUsage
	}
	if *version {
		_, _ = fmt.Fprintln(os.Stdout, name, Version())
		return 0
	}
	c, err := config.Load(*path)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return exitConfig
	}
	tune()
	ctx, stop := Signals()
	defer stop()
	log := NewLog(c.Log, os.Stderr)
	return exit(run(ctx, c, log), log)
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
		return 0
	}
	log.Error("stopped", "error", err)
	if _, disagrees := errors.AsType[*redisstore.DisagreementError](err); disagrees || errors.Is(err, errMessages) {
		return exitConfig
	}
	return exitFailure
}

// NewLog writes as the configuration says.
func NewLog(c config.Log, to io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // checked with the configuration
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(telemetry.LogHandler(slog.NewTextHandler(to, o)))
	}
	return slog.New(telemetry.LogHandler(slog.NewJSONHandler(to, o)))
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
