package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/otpipe/otpipe/internal/telemetry"
)

// flushLimit is how long the last spans of a process may take to be sent.
const flushLimit = 3 * time.Second

// startTracing makes spans if the environment says where to send them. flush
// sends what is left at the end.
func startTracing(ctx context.Context, process string, log *slog.Logger) (t *telemetry.Tracing, flush func(), err error) {
	t, stop, err := telemetry.StartTracing(ctx, process, Version(), log)
	if err != nil {
		return nil, nil, fmt.Errorf("start tracing: %w", err)
	}
	return t, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushLimit)
		defer cancel()
		_ = stop(ctx) // a collector that is away must not keep a process from stopping
	}, nil
}
