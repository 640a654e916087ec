// Package app chooses between packages: it wires the two processes out of the
// configuration. It is imported by the commands and by tests.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

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
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/telemetry"
	"github.com/otpipe/otpipe/internal/totp"
	"github.com/otpipe/otpipe/internal/verify"
)

// RunAPI is the process that product backends talk to. It runs until ctx ends,
// then finishes what it has begun. Whenever a reload is asked for it takes its
// configuration anew.
func RunAPI(ctx context.Context, c config.Config, log *slog.Logger, again Reloads) error {
	redis.SetLogger(redisLog{log})
	address.Warm()
	keys, err := c.Secrets()
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
	archive, err := lateArchive(c)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	defer closeArchive(archive)
	a := &api{log: log, tracing: tracing, archive: archive, database: newDatabase(c), gauge: asynqueue.NewGauge(queue), certs: certificates{}}
	defer a.closeDatabase()
	store := newStore(c)
	store.Redis = rdb
	a.in = &entry{store: &store, partitions: c.Store.Partitions, keys: keys, about: aboutProcess("api", c), log: log}
	a.metrics = apiMetrics(c, a.gauge)
	a.ringer = asynqueue.NewRinger(queue, log, a.metrics.Lost)
	begin, err := a.prepare(ctx, c, keys)
	if err != nil {
		return err
	}
	begin()
	defer func() { a.endPages() }()
	return a.run(ctx, &reloader{
		Reloads: again, name: "api", current: c, in: a.in, metrics: a.metrics, log: log,
		prepare: func(c config.Config, keys otp.Keys) (func(), error) { return a.prepare(ctx, c, keys) },
	})
}

// api is what of an api's process outlives its configuration, and what was made
// of that.
type api struct {
	log      *slog.Logger
	tracing  *telemetry.Tracing
	metrics  *telemetry.Metrics
	archive  audit.Archive
	database *sqlstore.Lazy // nil: there is none
	gauge    *asynqueue.Gauge
	ringer   *asynqueue.Ringer
	in       *entry
	certs    certificates

	factors       atomic.Pointer[totp.Service]
	public, pages swap
	warm          func(context.Context, *slog.Logger)
	endPages      context.CancelFunc
}

// prepare makes what is made of a configuration; see reloader.
func (a *api) prepare(ctx context.Context, c config.Config, keys otp.Keys) (begin func(), err error) {
	composer, err := NewComposer(c)
	if err != nil {
		return nil, err
	}
	verifier, err := newVerifier(c, a.log, a.in.store, keys)
	if err != nil {
		return nil, err
	}
	verifications := telemetry.LogVerifications(a.metrics.Verifications(a.elsewhere(keys)), a.log)
	verifier.Verifications, verifier.Ringer, verifier.Templates = verifications, a.ringer, composer
	desk := &deliver.Desk{Receipts: a.metrics.Receipts(a.in.store), Ringer: a.ringer}
	public, err := newAPI(c, keys, a.log, verifier, desk, newSearcher(a.archive, a.in.store, keys), a.in.store)
	if err != nil {
		return nil, err
	}
	factors := a.newFactors(c, keys)
	public.Factors = factors
	var staff pages
	ctx, end := context.WithCancel(ctx)
	if c.Support.On() {
		if staff, err = newPages(ctx, c, keys, a, verifications); err != nil {
			end()
			return nil, fmt.Errorf("support: %w", err)
		}
	}
	return func() {
		if a.endPages != nil {
			a.endPages() // streams of pages begin again with what is there then
		}
		a.endPages, a.warm = end, staff.warm
		a.metrics.Zero(c.Policies(), providerNames(c))
		a.metrics.Limits(c.Rates(), c.Policies(), c.TollGuard.On())
		a.public.set(a.tracing.Requests(a.in.gate(public.Handler(), public.Unavailable())))
		a.pages.set(staff.handler)
		a.factors.Store(factors)
		a.certs.refresh(a.log)
	}, nil
}

func apiMetrics(c config.Config, queues telemetry.QueueReader) *telemetry.Metrics {
	m := telemetry.New(Version(), c.Policies(), providerNames(c))
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
		Sessions: telemetry.LogSessions(store, log), Signer: newSigner(c, keys), Locks: telemetry.LogLocks(store, log), Journal: store, Repeats: store,
		Addresses: address.Parse, Place: atlas.Place, Namespaces: c.Policies(), Rates: c.Rates(), Prices: c.Prices(), Toll: c.TollGuard.Toll(),
		Keys: keys, Partitions: c.Store.Partitions,
	}, nil
}

func newAPI(c config.Config, keys otp.Keys, log *slog.Logger, verifier *verify.Service, desk *deliver.Desk, auditor *audit.Searcher, orders deliver.Orders) (*httpapi.API, error) {
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
		JWKS:      newSigner(c, keys),
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

// run serves all faces until ctx ends. The ringer goes last: requests that were
// answered while stopping still ring.
func (a *api) run(ctx context.Context, r *reloader) error {
	c := r.current
	faces := []face{
		{name: "public", what: "the API", addr: c.API.Listen, files: c.API.TLS.Files(), connections: c.API.Connections, handler: &a.public},
		adminFace(c.API.Admin, c.API.AdminTLS, httpapi.Admin(a.in.ready, a.metrics.Handler())),
	}
	if c.Support.On() {
		faces = append(faces, face{name: "support", what: "the support pages", addr: c.Support.Listen, files: c.Support.TLS.Files(), connections: staffConnections, handler: &a.pages})
	}
	listening, err := listenAll(faces, a.certs)
	if err != nil {
		return err
	}
	a.metrics.Certificates(a.certs.expiries)
	a.log.Info("api listens", append(listening, "version", Version())...)
	ringing, stopRinging := context.WithCancel(context.WithoutCancel(ctx))
	rung := make(chan struct{})
	go func() { defer close(rung); a.ringer.Run(ringing) }()
	g, ctx := errgroup.WithContext(ctx)
	warm := a.warm
	g.Go(func() error { warm(ctx, a.log); return nil })
	g.Go(func() error {
		if err := a.in.wait(ctx); err != nil {
			return err
		}
		r.run(ctx)
		return nil
	})
	for _, f := range faces {
		g.Go(func() error { return serve(ctx, f, a.log) })
	}
	g.Go(func() error { return a.certs.watch(ctx, a.log) })
	g.Go(func() error { a.sweep(ctx); return nil })
	err = g.Wait()
	stopRinging()
	<-rung
	a.log.Info("api stopped")
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
