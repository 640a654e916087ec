package config_test

import (
	"slices"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/config"
)

func TestWhatAProcessTakesOnlyWhenItStartsIsNamed(t *testing.T) {
	t.Parallel()
	running := parse(t, good)
	if got := running.WantRestart(parse(t, good)); len(got) > 0 {
		t.Fatalf("%v, and nothing has changed", got)
	}
	for setting, change := range map[string]func(*config.Config){
		"redis.url":        func(c *config.Config) { c.Redis.URL = config.NewSecret("redis://other:1") },
		"api.listen":       func(c *config.Config) { c.API.Listen = ":1" },
		"worker.ask_after": func(c *config.Config) { c.Worker.AskAfter++ },
		"store.partitions": func(c *config.Config) { c.Store.Partitions *= 2 },
		"store.retention":  func(c *config.Config) { c.Store.Retention = config.Duration(time.Hour) },
		"keys.anchor":      func(c *config.Config) { c.Keys.Anchor = config.NewSecret("other") },
		"audit.sink":       func(c *config.Config) { c.Audit.Sink = config.NewSecret("sqlite:///tmp/other.db") },
		"database.url":     func(c *config.Config) { c.Database.URL = config.NewSecret("sqlite:///tmp/other.db") },
		"log.level":        func(c *config.Config) { c.Log.Level = "warn" },
		"support":          func(c *config.Config) { c.Support.Users, c.Support.OIDC = nil, config.OIDC{} },
		"support.listen":   func(c *config.Config) { c.Support.Listen = "127.0.0.1:1" },
	} {
		next := parse(t, good)
		if change(&next); !slices.Equal(running.WantRestart(next), []string{setting}) {
			t.Errorf("%s: %v", setting, running.WantRestart(next))
		}
	}
}

func TestARunningProcessTakesTheRest(t *testing.T) {
	t.Parallel()
	running, next := parse(t, good), parse(t, good)
	next.API.Proxies = []string{"10.0.0.0/8"}
	next.Keys.Primary, next.Keys.Ring = "k9", append(next.Keys.Ring, config.Key{ID: "k9"})
	next.Callers, next.Providers, next.Limits, next.Namespaces = nil, nil, nil, nil
	next.Messages.Brand, next.Routes, next.Breaker.Failures = "Other", config.Routes{}, 99
	if got := running.WantRestart(next); len(got) > 0 {
		t.Errorf("%v", got)
	}
}
