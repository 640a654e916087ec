// Package app chooses between packages: it wires the two processes out of the
// configuration. It is imported by the commands and by tests.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/httpapi"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/telemetry"
	"github.com/otpipe/otpipe/internal/verify"
)

// RunAPI is the process that product backends talk to. It runs until ctx ends,
// then finishes what it has begun.
func RunAPI(ctx context.Context, c config.Config, log *slog.Logger) error {
	redis.SetLogger(redisLog{log})
	address.Warm()
	keys, err := c.Secrets()
	if err != nil {
		return err
	}
	composer, err := NewComposer(c)
	if err != nil {
		return err
	}
	tracing, flush, err := startTracing(ctx, "api", log)
	if err != nil {
		return err
	}
	defer flush()
	rdb, err := apiClient(c.Redis.State)
	if err != nil {
		return fmt.Errorf("redis.url: %w", err)
	}
	defer func() { _ = rdb.Close() }()
	queue, err := apiClient(c.Redis.Queue)
	if err != nil {
		return fmt.Errorf("redis.queue_url: %w", err)
	}
	defer func() { _ = queue.Close() }()

	store := newStore(c)
	store.Redis = rdb
	in := &entry{store: &store, partitions: c.Store.Partitions, keys: keys, log: log}
	metrics := telemetry.New(Version(), c.Policies(), providerNames(c))
	metrics.Queues(asynqueue.NewGauge(queue))
	ringer := asynqueue.NewRinger(queue, log, metrics.Lost)
	api := &httpapi.API{
		Verifier: &verify.Service{
			Verifications: telemetry.LogVerifications(metrics.Verifications(&store), log),
			Sessions:      telemetry.LogSessions(&store, log), Locks: telemetry.LogLocks(&store, log), Journal: &store, Repeats: &store,
			Ringer: ringer, Templates: composer, Addresses: address.Parse,
			Namespaces: c.Policies(), Keys: keys, Partitions: c.Store.Partitions,
		},
		Receiver:  &deliver.Desk{Receipts: metrics.Receipts(&store), Ringer: ringer},
		Receipts:  receiptReaders(c),
		Providers: &deliver.Providers{Orders: &store, Accounts: accounts(c)},
		Explainer: explainer(),
		Keys:      keyring(c),
		Log:       log,
		Version:   Version(),
	}
	return runAPI(ctx, c, log, in, ringer, tracing.Requests(in.gate(api.Handler(), api.Unavailable())), metrics.Handler())
}

// runAPI takes both listeners and serves them until ctx ends. The ringer goes
// last: requests that were answered while stopping still ring.
func runAPI(ctx context.Context, c config.Config, log *slog.Logger, in *entry, ringer *asynqueue.Ringer, api, metrics http.Handler) error {
	public, err := listen("the API", c.API.Listen)
	if err != nil {
		return err
	}
	admin, err := listen("health and metrics", c.API.Admin)
	if err != nil {
		_ = public.Close()
		return err
	}
	log.Info("api listens", "public", public.Addr().String(), "admin", admin.Addr().String(), "version", Version())
	ringing, stopRinging := context.WithCancel(context.WithoutCancel(ctx))
	rung := make(chan struct{})
	go func() { defer close(rung); ringer.Run(ringing) }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return in.wait(ctx) })
	g.Go(func() error { return serve(ctx, public, api, log) })
	g.Go(func() error { return serve(ctx, admin, httpapi.Admin(in.ready, metrics), log) })
	err = g.Wait()
	stopRinging()
	<-rung
	log.Info("api stopped")
	return err
}

func keyring(c config.Config) httpapi.Keyring {
	ring := httpapi.Keyring{}
	for _, k := range c.Callers {
		who := otp.Caller{Name: k.Name}
		for _, s := range k.Scopes {
			who.Scopes = append(who.Scopes, otp.Scope(s))
		}
		for _, ns := range k.Namespaces {
			who.Namespaces = append(who.Namespaces, otp.Namespace(ns))
		}
		ring[k.KeySHA256] = who
	}
	return ring
}
