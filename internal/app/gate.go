package app

import (
	"log/slog"
	"time"

	"github.com/otpipe/otpipe/internal/breaker"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/deliver"
)

// newGate makes the worker's gate, with a breaker for every provider on every
// channel that it serves.
func newGate(c config.Config, standings deliver.Standings, log *slog.Logger) *deliver.Gate {
	g := &deliver.Gate{
		Standings: standings, Providers: providerNames(c), Log: log,
		Breakers: map[deliver.Line]deliver.Breaker{}, Limits: map[string]deliver.Limit{},
	}
	open := time.Duration(c.Breaker.Open)
	for _, a := range accounts(c) {
		for _, ch := range a.Channels {
			line := deliver.Line{Provider: a.Name, Channel: ch}
			g.Breakers[line] = breaker.New(breakerSettings(c.Breaker), deliver.HandOver+time.Second, func(state string) { g.Tell(line, state, open) })
		}
	}
	for _, p := range c.Providers {
		g.Limits[p.Name] = deliver.Limit{PerSecond: p.PerSecond, Concurrency: p.Concurrency}
	}
	return g
}

func breakerSettings(b config.Breaker) breaker.Settings {
	return breaker.Settings{
		Failures: b.Failures, Ratio: b.Ratio, Least: b.Least,
		Window: time.Duration(b.Window), Open: time.Duration(b.Open), Probes: b.Probes,
	}
}
