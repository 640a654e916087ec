package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/httpapi"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/smtpmail"
	"github.com/otpipe/otpipe/internal/telemetry"
)

// drain is how long running hand-overs may take when the process stops.
const drain = redisstore.Lease

// RunWorker is the process that delivers. It runs until ctx ends, then lets
// running hand-overs finish. Whenever a reload is asked for it takes its
// configuration anew.
func RunWorker(ctx context.Context, c config.Config, log *slog.Logger, again Reloads) error {
	redis.SetLogger(redisLog{log})
	keys, err := c.Secrets()
	if err != nil {
		return err
	}
	tracing, flush, err := startTracing(ctx, "worker", log)
	if err != nil {
		return err
	}
	defer flush()
	rdb, err := workerClient(c.Redis.State, c.Worker.SMSConcurrency+c.Worker.EmailConcurrency+10)
	if err != nil {
		return fmt.Errorf("redis.url: %w", err)
	}
	defer func() { _ = rdb.Close() }()
	queue, err := workerClient(c.Redis.Queue, 10)
	if err != nil {
		return fmt.Errorf("redis.queue_url: %w", err)
	}
	defer func() { _ = queue.Close() }()
	archive, err := lateArchive(c)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	defer closeArchive(archive)

	metrics := telemetry.New(Version(), c.Policies(), providerNames(c))
	metrics.Queues(asynqueue.NewGauge(queue))
	store := newStore(c)
	store.Redis = rdb
	w := &worker{
		config: c, log: log, metrics: metrics, tracing: tracing, queue: queue,
		in:       &entry{store: &store, partitions: c.Store.Partitions, keys: keys, about: aboutProcess("worker", c), log: log},
		ringer:   asynqueue.NewRinger(queue, log, metrics.Lost),
		exporter: newExporter(c, archive, &store, keys, metrics, log),
		next:     make(chan *shift, 1),
		certs:    certificates{},
	}
	if w.bounces, err = w.newBounces(); err != nil {
		return err
	}
	begin, err := w.prepare(c, keys)
	if err != nil {
		return err
	}
	begin()
	return w.run(ctx, &reloader{
		Reloads: again, name: "worker", current: c, in: w.in, metrics: metrics, log: log,
		prepare: w.prepare,
	})
}

// worker is what of a worker's process outlives its configuration.
type worker struct {
	config   config.Config // as it started with
	log      *slog.Logger
	metrics  *telemetry.Metrics
	tracing  *telemetry.Tracing
	queue    redis.UniversalClient
	in       *entry
	ringer   *asynqueue.Ringer
	bounces  *smtpmail.Bounces // nil: none are taken
	paths    atomic.Pointer[map[string]smtpmail.ReturnPath]
	exporter *audit.Exporter // nil: there is no audit trail
	next     chan *shift
	certs    certificates
}

// prepare makes what is made of a configuration; see reloader.
func (w *worker) prepare(c config.Config, keys otp.Keys) (begin func(), err error) {
	s, err := w.newShift(c, keys)
	if err != nil {
		return nil, err
	}
	return func() {
		w.metrics.Zero(c.Policies(), providerNames(c))
		w.metrics.Gate(s.courier.Gate)
		paths := returnPaths(c, keys)
		w.paths.Store(&paths)
		w.certs.refresh(w.log)
		w.next <- s
	}, nil
}

func (w *worker) run(ctx context.Context, r *reloader) error {
	admin := []face{adminFace(w.config.Worker.Admin, w.config.Worker.AdminTLS, httpapi.Admin(w.in.ready, w.metrics.Handler()))}
	listening, err := listenAll(admin, w.certs)
	if err != nil {
		return err
	}
	mail, err := w.listenForBounces()
	if err != nil {
		_ = admin[0].listener.Close()
		return err
	}
	w.metrics.Certificates(w.certs.expiries)
	w.log.Info("worker listens", append(listening, "bounces", addressOf(mail), "version", Version())...)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serve(ctx, admin[0], w.log) })
	g.Go(func() error { return w.certs.watch(ctx, w.log) })
	g.Go(func() error {
		if err := w.in.wait(ctx); err != nil {
			return err
		}
		g.Go(func() error { r.run(ctx); return nil })
		return w.work(ctx, mail)
	})
	err = g.Wait()
	if mail != nil {
		_ = mail.Close() // it was never served if the store never answered
	}
	w.log.Info("worker stopped")
	return err
}

// listenForBounces takes the place where bounces come in; nil if there is none.
func (w *worker) listenForBounces() (net.Listener, error) {
	if w.bounces == nil {
		return nil, nil
	}
	return listen("bounces", w.config.Worker.Bounces)
}

func addressOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// work serves the queues, watches, keeps the trail and takes bounces.
func (w *worker) work(ctx context.Context, bounces net.Listener) error {
	g, ctx := errgroup.WithContext(ctx)
	if bounces != nil {
		g.Go(func() error { return w.bounces.Serve(ctx, bounces) })
	}
	g.Go(func() error { w.ringer.Run(ctx); return nil })
	watch := &deliver.Watch{
		Dues: w.in.store, Ringer: w.ringer, Partitions: w.config.Store.Partitions, Log: w.log,
		Rang: w.metrics.Rang, Settled: w.metrics.Settled,
	}
	g.Go(func() error { watch.Run(ctx); return nil })
	if w.exporter != nil {
		g.Go(func() error { w.exporter.Run(ctx); return nil })
	}
	g.Go(func() error { return w.shifts(ctx) })
	return g.Wait()
}

// queueClient is one of an asynq server's own clients.
func (w *worker) queueClient() redis.UniversalClient {
	rdb, err := workerClient(w.config.Redis.Queue, 20)
	if err != nil {
		panic(err) // the same URL was parsed when the process started
	}
	return rdb
}

func providerNames(c config.Config) (names []string) {
	for _, p := range c.Providers {
		names = append(names, p.Name)
	}
	return names
}
