package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/devkit"
)

// world is what is outside of the API that the tests and examples call.
var world *devkit.World

// TestMain runs api and worker as dev mode does. Examples find them as programs do,
// by OTPIPE_URL and OTPIPE_KEY.
func TestMain(m *testing.M) {
	code, err := within(m.Run)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func within(tests func() int) (int, error) {
	var err error
	if world, err = devkit.StartWorld("127.0.0.1:0", devkit.Web{}); err != nil {
		return 0, err
	}
	defer world.Close()
	defer shop.Close()
	redis, err := devkit.StartRedis()
	if err != nil {
		return 0, err
	}
	defer redis.Close()
	c, err := settings(redis.Addr())
	if err != nil {
		return 0, err
	}
	at := announced{make(chan string, 1)}
	log := slog.New(slog.NewJSONHandler(at, nil))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { _ = app.RunAPI(ctx, c, log, app.Reloads{}) })
	running.Go(func() { _ = app.RunWorker(ctx, c, log, app.Reloads{}) })
	for name, value := range map[string]string{"OTPIPE_URL": "http://" + <-at.public, "OTPIPE_KEY": "dev"} {
		if err := os.Setenv(name, value); err != nil {
			return 0, err
		}
	}
	return tests(), nil
}

func settings(redis string) (config.Config, error) {
	const file = "../cmd/dev/dev.toml"
	text, err := os.ReadFile(file)
	if err != nil {
		return config.Config{}, err
	}
	c, err := config.ParseDev(file, text)
	if err != nil {
		return config.Config{}, err
	}
	c.Redis.URL = config.NewSecret("redis://" + redis + "/0")
	c.Events = []config.Endpoint{{
		Name: "shop", URL: config.NewSecret(shop.Listen()), Secrets: []config.Secret{config.NewSecret(shopSecret)}, AllowPrivate: true,
	}}
	c.API.Listen, c.API.Admin, c.API.PublicURL, c.Worker.Admin = "127.0.0.1:0", "127.0.0.1:0", "", "127.0.0.1:0"
	c.Support = config.Support{}
	for i := range c.Providers {
		switch p := &c.Providers[i]; p.Driver {
		case "twilio":
			p.Twilio.BaseURL = world.TwilioURL()
		case "smtp":
			p.SMTP.Host, p.SMTP.Port = "127.0.0.1", world.Mail().Port
		}
	}
	return c, nil
}

// announced reads a log for where the api listens, once its store is entered.
type announced struct{ public chan string }

func (a announced) Write(line []byte) (int, error) {
	var said struct{ Msg, Public string }
	_ = json.Unmarshal(line, &said)
	if said.Msg == "api listens" {
		a.public <- said.Public
	}
	return len(line), nil
}

// typed is what the person whose handset or mailbox it is types.
func typed(to string) string {
	for range 1000 {
		if all := world.Inbox.Messages(to); len(all) > 0 {
			return all[0].Code
		}
		time.Sleep(10 * time.Millisecond)
	}
	panic("no message to " + to)
}
