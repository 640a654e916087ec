package app

import (
	"io"
	"log/slog"
	"os"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/telemetry"
)

// NewLog writes as the configuration says.
func NewLog(c config.Log, to io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // checked with the configuration
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "text" || c.Format == "auto" && terminal(to) {
		return slog.New(telemetry.LogHandler(slog.NewTextHandler(to, o)))
	}
	return slog.New(telemetry.LogHandler(slog.NewJSONHandler(to, o)))
}

// terminal tells whether somebody reads along.
func terminal(to io.Writer) bool {
	f, ok := to.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
