package app

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/notify"
	"github.com/otpipe/otpipe/internal/otp"
)

// shift is what a worker does by one configuration. The next one begins before it
// ends, as of two processes when one after the other is restarted.
type shift struct {
	worker    *worker
	config    config.Config
	providers providers
	courier   *deliver.Courier
	informer  *informer        // nil: nobody wants to know
	thanks    *notify.Listener // nil: no vendor wants to hear
	ending    chan struct{}    // closed by end
}

func (w *worker) newShift(c config.Config, keys otp.Keys) (*shift, error) {
	composer, err := NewComposer(c)
	if err != nil {
		return nil, err
	}
	s := &shift{worker: w, config: c, ending: make(chan struct{})}
	s.providers = openProviders(c, keys, func(p otp.Provider) otp.Provider { return w.tracing.Provider(w.metrics.Provider(p)) })
	s.courier = &deliver.Courier{
		Sends: w.in.store, Receipts: w.metrics.Receipts(w.in.store), Composer: composer, Keys: keys,
		Routes: c.Routes.RoutesOf(address.Country), Providers: s.providers.byName, Inquirers: s.providers.inquirers, Gate: newGate(c, w.in.store, w.log),
		Ringer: w.ringer, Policies: c.Policies(), Rates: c.Rates(), Prices: c.Prices(), Country: address.Country, Partitions: c.Store.Partitions,
		Stopping: s.ending, Ended: w.metrics.Ended, Log: w.log,
	}
	s.informer = newInformer(c, w.in.store, w.queue, w.queueClient, w.metrics, w.log)
	s.thanks = newThanks(c, w.in.store, s.providers.confirmers, w.log)
	return s, nil
}

// end has the shift take no more orders.
func (s *shift) end() { close(s.ending) }

// shifts works by one configuration after the other until ctx ends.
func (w *worker) shifts(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	end := func() {}
	for {
		select {
		case <-ctx.Done():
			end()
			return g.Wait()
		case s := <-w.next:
			g.Go(func() error { return s.work(ctx) })
			end()
			end = s.end
		}
	}
}

// work serves the queues until the shift or ctx ends, and lets running hand-overs
// finish.
func (s *shift) work(ctx context.Context) error {
	defer s.providers.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { <-s.ending; cancel() }()
	w := s.worker
	s.courier.Gate.Learn(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.courier.Gate.Run(ctx); return nil })
	g.Go(func() error { return s.informer.run(ctx) })
	if s.thanks != nil {
		g.Go(func() error { s.thanks.Run(ctx); return nil })
	}
	for channel, concurrency := range map[otp.Channel]int{otp.SMS: s.config.Worker.SMSConcurrency, otp.Email: s.config.Worker.EmailConcurrency} {
		queue := &asynqueue.Worker{Channel: channel, Concurrency: concurrency, Redis: w.queueClient, Deliver: w.tracing.Orders(s.courier.Deliver), Log: w.log, Drain: drain}
		g.Go(func() error { return queue.Run(ctx) })
	}
	return g.Wait()
}
