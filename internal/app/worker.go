package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/httpapi"
	"github.com/otpipe/otpipe/internal/notify"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/smtpmail"
	"github.com/otpipe/otpipe/internal/telemetry"
)

// drain is how long running hand-overs may take when the process stops.
const drain = redisstore.Lease

// RunWorker is the process that delivers. It runs until ctx ends, then lets
// running hand-overs finish.
func RunWorker(ctx context.Context, c config.Config, log *slog.Logger) error {
	redis.SetLogger(redisLog{log})
	keys, err := c.Secrets()
	if err != nil {
		return err
	}
	composer, err := NewComposer(c)
	if err != nil {
		return err
	}
	metrics := telemetry.New(Version(), c.Policies(), providerNames(c))
	tracing, flush, err := startTracing(ctx, "worker", log)
	if err != nil {
		return err
	}
	defer flush()
	providers := openProviders(c, keys, func(p otp.Provider) otp.Provider { return tracing.Provider(metrics.Provider(p)) })
	defer providers.Close()
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

	metrics.Queues(asynqueue.NewGauge(queue))
	store := newStore(c)
	store.Redis = rdb
	ringer := asynqueue.NewRinger(queue, log, metrics.Lost)
	bounces, err := newBounces(c, keys, &deliver.Desk{Receipts: metrics.Receipts(&store), Ringer: ringer}, metrics.Bounced, log)
	if err != nil {
		return err
	}
	w := &worker{
		config: c, log: log, metrics: metrics, tracing: tracing, bounces: bounces,
		in:     &entry{store: &store, partitions: c.Store.Partitions, keys: keys, about: aboutProcess("worker", c, keys), log: log},
		ringer: ringer,
	}
	gate := newGate(c, &store, log)
	metrics.Gate(gate)
	w.courier = w.newCourier(ctx, composer, gate, providers)
	archive, err := lateArchive(c)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	defer closeArchive(archive)
	w.exporter = newExporter(c, archive, &store, keys, metrics, log)
	w.informer = newInformer(c, &store, queue, w.queueClient, metrics, log)
	w.thanks = newThanks(c, &store, providers.confirmers, log)
	return w.run(ctx)
}

// worker is a worker's process, wired.
type worker struct {
	config   config.Config
	log      *slog.Logger
	metrics  *telemetry.Metrics
	tracing  *telemetry.Tracing
	in       *entry
	ringer   *asynqueue.Ringer
	courier  *deliver.Courier
	bounces  *smtpmail.Bounces // nil: none are taken
	informer *informer
	thanks   *notify.Listener // nil: no vendor wants to hear
	exporter *audit.Exporter  // nil: there is no audit trail
}

// newCourier is what hands codes over, until ctx ends.
func (w *worker) newCourier(ctx context.Context, composer deliver.Composer, gate *deliver.Gate, p providers) *deliver.Courier {
	return &deliver.Courier{
		Sends: w.in.store, Receipts: w.metrics.Receipts(w.in.store), Composer: composer, Keys: w.in.keys,
		Routes: w.config.Routes.RoutesOf(address.Country), Providers: p.byName, Inquirers: p.inquirers, Gate: gate,
		Ringer: w.ringer, Policies: w.config.Policies(), Partitions: w.config.Store.Partitions,
		Stopping: ctx.Done(), Ended: w.metrics.Ended, Log: w.log,
	}
}

func (w *worker) run(ctx context.Context) error {
	admin, err := listen("health and metrics", w.config.Worker.Admin)
	if err != nil {
		return err
	}
	mail, err := w.listenForBounces()
	if err != nil {
		_ = admin.Close()
		return err
	}
	w.log.Info("worker listens", "admin", admin.Addr().String(), "bounces", addressOf(mail), "version", Version())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serve(ctx, admin, httpapi.Admin(w.in.ready, w.metrics.Handler()), w.log) })
	g.Go(func() error {
		if err := w.in.wait(ctx); err != nil {
			return err
		}
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

// work serves the queues, watches, and takes bounces.
func (w *worker) work(ctx context.Context, bounces net.Listener) error {
	w.courier.Gate.Learn(ctx)
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
	g.Go(func() error { w.courier.Gate.Run(ctx); return nil })
	g.Go(func() error { return w.informer.run(ctx) })
	if w.thanks != nil {
		g.Go(func() error { w.thanks.Run(ctx); return nil })
	}
	if w.exporter != nil {
		g.Go(func() error { w.exporter.Run(ctx); return nil })
	}
	for channel, concurrency := range map[otp.Channel]int{otp.SMS: w.config.Worker.SMSConcurrency, otp.Email: w.config.Worker.EmailConcurrency} {
		queue := &asynqueue.Worker{Channel: channel, Concurrency: concurrency, Redis: w.queueClient, Deliver: w.tracing.Orders(w.courier.Deliver), Log: w.log, Drain: drain}
		g.Go(func() error { return queue.Run(ctx) })
	}
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
