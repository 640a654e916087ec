// Command dev runs the api and the worker in one process against an outside
// world on loopback: nothing else has to be installed. The wiring is that of
// production; only URLs differ.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/message"
)

//go:embed dev.toml
var settings []byte

// patience is how long the demo waits for the API.
const patience = 5 * time.Second

// places are where dev mode listens.
type places struct{ api, support, inbox, admin, redis, config string }

func main() {
	var at places
	flag.StringVar(&at.api, "api", "127.0.0.1:8080", "where the API listens")
	flag.StringVar(&at.support, "support", "127.0.0.1:8081", "where the support pages listen")
	flag.StringVar(&at.inbox, "inbox", "127.0.0.1:8025", "where the inbox listens")
	flag.StringVar(&at.admin, "admin", "127.0.0.1:9090", "where health and metrics listen")
	flag.StringVar(&at.redis, "redis", "", "host:port of a Redis to use; empty: one inside this process")
	flag.StringVar(&at.config, "config", "", "a configuration file instead of the built-in one")
	flag.Parse()
	ctx, stop := app.Signals()
	defer stop()
	if err := run(ctx, at); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, at places) error {
	for _, addr := range []string{at.api, at.support, at.admin} {
		if err := devkit.Loopback(addr); err != nil {
			return fmt.Errorf("%s: %w", addr, err)
		}
	}
	c, err := load(at.config)
	if err != nil {
		return err
	}
	composer, err := app.NewComposer(c)
	if err != nil {
		return err
	}
	hint := example(at.api)
	world, err := devkit.StartWorld(at.inbox, devkit.Web{
		Hint: hint,
		Templates: &devkit.Templates{
			Composer: composer, Namespaces: c.Policies(), Cost: func(text string) string { return message.Measure(text).String() },
		},
		Demo: &devkit.Demo{API: "http://" + at.api, Key: "dev", HTTP: &http.Client{Timeout: patience}},
	})
	if err != nil {
		return err
	}
	defer world.Close()
	if at.redis == "" {
		embedded, err := devkit.StartRedis()
		if err != nil {
			return err
		}
		defer embedded.Close()
		at.redis = embedded.Addr()
	}
	c = configure(c, at, world)
	place, err := os.MkdirTemp("", "otpipe-dev")
	if err != nil {
		return fmt.Errorf("make a place for the databases: %w", err)
	}
	defer func() { _ = os.RemoveAll(place) }()
	if !c.Audit.On() {
		c.Audit.Sink = config.NewSecret("sqlite://" + place + "/audit.db")
	}
	if !c.Database.On() {
		c.Database.URL = config.NewSecret("sqlite://" + place + "/otpipe.db")
	}
	if err := c.Check(); err != nil {
		return err
	}
	log := app.NewLog(c.Log, os.Stderr)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return app.RunAPI(ctx, c, log, app.Reloads{}) })
	g.Go(func() error { return app.RunWorker(ctx, c, log, app.Reloads{}) })
	g.Go(func() error { welcome(ctx, at, world, supportPlace(at, c), hint); return nil })
	return g.Wait()
}

// load reads the configuration; without a path it is dev mode's own.
func load(path string) (config.Config, error) {
	if path == "" {
		return config.ParseDev("dev.toml", settings)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return config.Config{}, fmt.Errorf("read configuration: %w", err)
	}
	return config.ParseDev(path, text)
}

// configure fills in what is only known once the outside world runs.
func configure(c config.Config, at places, world *devkit.World) config.Config {
	c.Redis.URL, c.Redis.QueueURL = config.NewSecret("redis://"+at.redis+"/0"), config.Secret{}
	c.API.Listen, c.API.Admin, c.API.PublicURL = at.api, at.admin, "http://"+at.api
	c.Support.Listen, c.Support.PublicURL = at.support, ""
	c.Worker.Admin, c.Worker.Bounces = "127.0.0.1:0", "" // the outside world sends no bounces
	for i := range c.Providers {
		p := &c.Providers[i]
		switch p.Driver {
		case "twilio":
			p.Twilio.BaseURL = world.TwilioURL()
		case "smtp":
			p.SMTP.Host, p.SMTP.Port = world.Mail().IP.String(), world.Mail().Port
		}
	}
	return c
}

func example(api string) string {
	return `curl -s http://` + api + `/v1/verifications -H 'Authorization: Bearer dev' --json '{"namespace":"phone-auth","to":"+4915123456789"}'`
}

// welcome says where everything is, once it is there.
func welcome(ctx context.Context, at places, world *devkit.World, support, hint string) {
	if !ready(ctx, "http://"+at.admin+"/readyz") {
		return // stopped before; the reason is told elsewhere
	}
	_, _ = fmt.Fprintf(os.Stdout, `
otpipe runs, with an outside world on loopback.

  API      http://%s   (key: dev)
  inbox    %s   what the handset and the mailbox would show
  demo     %s/demo   a login form
  support  %s
  health   http://%s/readyz   metrics: /metrics

Ask for a code:

  %s

`, at.api, world.InboxURL(), world.InboxURL(), support, at.admin, hint)
}

// supportPlace says where staff see where a code went, and who may.
func supportPlace(at places, c config.Config) string {
	switch {
	case !c.Support.On():
		return "off: nobody is listed under [support]"
	case at.config != "":
		return "http://" + at.support + "   where a code went"
	}
	return "http://" + at.support + "   where a code went (viewer, operator or admin; password: dev-password)"
}

// ready waits until everything runs; false means that it never will.
func ready(ctx context.Context, url string) bool {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
}
