// Package app chooses between packages: it wires the two processes out of the
// configuration. It is imported by the commands and by tests.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/httpapi"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
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
	in := &entry{store: &store, partitions: c.Store.Partitions, keys: keys, about: aboutProcess("api", c, keys), log: log}
	gauge := asynqueue.NewGauge(queue)
	metrics := apiMetrics(c, gauge)
	ringer := asynqueue.NewRinger(queue, log, metrics.Lost)
	verifications := telemetry.LogVerifications(metrics.Verifications(&store), log)
	archive, err := lateArchive(c)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	defer closeArchive(archive)
	verifier, err := newVerifier(c, log, &store, keys)
	if err != nil {
		return err
	}
	verifier.Verifications, verifier.Ringer, verifier.Templates = verifications, ringer, composer
	api, err := newAPI(c, log, verifier, &deliver.Desk{Receipts: metrics.Receipts(&store), Ringer: ringer}, newSearcher(archive, &store, keys), &store)
	if err != nil {
		return err
	}
	faces := []face{
		{name: "public", what: "the API", addr: c.API.Listen, handler: tracing.Requests(in.gate(api.Handler(), api.Unavailable()))},
		{name: "admin", what: "health and metrics", addr: c.API.Admin, handler: httpapi.Admin(in.ready, metrics.Handler())},
	}
	var staff pages
	if c.Support.On() {
		if staff, err = newPages(ctx, c, in, verifications, ringer, gauge); err != nil {
			return fmt.Errorf("support: %w", err)
		}
		faces = append(faces, face{name: "support", what: "the support pages", addr: c.Support.Listen, handler: staff.handler})
	}
	return runAPI(ctx, log, in, ringer, faces, staff)
}

func apiMetrics(c config.Config, queues telemetry.QueueReader) *telemetry.Metrics {
	m := telemetry.New(Version(), c.Policies(), providerNames(c))
	m.Limits(c.Rates(), c.Policies(), c.TollGuard.On())
	m.Queues(queues)
	return m
}

// newVerifier is the service but for what the process makes of its own.
func newVerifier(c config.Config, log *slog.Logger, store *redisstore.Store, keys otp.Keys) (*verify.Service, error) {
	atlas, err := newAtlas(c)
	if err != nil {
		return nil, err
	}
	return &verify.Service{
		Sessions: telemetry.LogSessions(store, log), Locks: telemetry.LogLocks(store, log), Journal: store, Repeats: store,
		Addresses: address.Parse, Place: atlas.Place, Namespaces: c.Policies(), Rates: c.Rates(), Prices: c.Prices(), Toll: c.TollGuard.Toll(),
		Keys: keys, Partitions: c.Store.Partitions,
	}, nil
}

func newAPI(c config.Config, log *slog.Logger, verifier *verify.Service, desk *deliver.Desk, auditor *audit.Searcher, orders deliver.Orders) (*httpapi.API, error) {
	proxies, err := c.API.Networks()
	if err != nil {
		return nil, fmt.Errorf("api.proxies: %w", err)
	}
	return &httpapi.API{
		Verifier:  verifier,
		Receiver:  desk,
		Receipts:  receiptReaders(c),
		Providers: &deliver.Providers{Orders: orders, Accounts: accounts(c)},
		Explainer: Explainer(),
		Auditor:   auditor,
		Keys:      keyring(c),
		Proxies:   proxies,
		Log:       log,
		Version:   Version(),
	}, nil
}

// newAtlas reads what there is to know of addresses beside themselves.
func newAtlas(c config.Config) (address.Atlas, error) {
	name := c.Destinations.DisposableDomains
	if name == "" {
		return address.Atlas{}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return address.Atlas{}, fmt.Errorf("destinations.disposable_domains: %w", err)
	}
	defer func() { _ = f.Close() }()
	domains, err := address.ReadDomains(f)
	if err != nil {
		return address.Atlas{}, fmt.Errorf("destinations.disposable_domains: %s: %w", name, err)
	}
	return address.Atlas{Disposable: domains}, nil
}

// runAPI serves all faces until ctx ends. The ringer goes last: requests that
// were answered while stopping still ring.
func runAPI(ctx context.Context, log *slog.Logger, in *entry, ringer *asynqueue.Ringer, faces []face, staff pages) error {
	listening, err := listenAll(faces)
	if err != nil {
		return err
	}
	log.Info("api listens", append(listening, "version", Version())...)
	ringing, stopRinging := context.WithCancel(context.WithoutCancel(ctx))
	rung := make(chan struct{})
	go func() { defer close(rung); ringer.Run(ringing) }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return in.wait(ctx) })
	g.Go(func() error { staff.warm(ctx, log); return nil })
	for _, f := range faces {
		g.Go(func() error { return serve(ctx, f.listener, f.handler, log) })
	}
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
