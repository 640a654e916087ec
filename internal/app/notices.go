package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/notify"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/telemetry"
	"github.com/otpipe/otpipe/internal/webhook"
)

// newListener wires the hearing of events by a group of its own.
func newListener(c config.Config, store *redisstore.Store, group string, h notify.Hearer, log *slog.Logger) *notify.Listener {
	return &notify.Listener{
		Name: group, Events: redisstore.Group{Store: store, Name: group}, Hearer: h, Partitions: c.Store.Partitions, Left: notify.Left, Log: log,
		Missed: func(int) {}, Behind: func(time.Duration) {}, Now: time.Now,
	}
}

// informer tells the configured endpoints what happens.
type informer struct {
	listener  *notify.Listener
	messenger *asynqueue.Messenger
}

// newInformer wires one; nil where nobody wants to know, for then nobody has to
// read the events.
func newInformer(c config.Config, store *redisstore.Store, queue redis.UniversalClient, own func() redis.UniversalClient, metrics *telemetry.Metrics, log *slog.Logger) *informer {
	if len(c.Events) == 0 {
		return nil
	}
	m := metrics.Notices(endpointNames(c))
	post := &notify.Messenger{Poster: noticePoster(c), Log: log, Ended: m.Ended, Now: time.Now}
	scribe := &notify.Scribe{Queue: asynqueue.NewNotices(queue), Endpoints: endpoints(c), Log: log}
	i := &informer{
		listener: newListener(c, store, "notices", scribe, log),
		messenger: &asynqueue.Messenger{
			Redis: own, Concurrency: notify.Each * (len(c.Events) + 1), Deliver: post.Deliver, Log: log, Drain: drain,
		},
	}
	i.listener.Missed, i.listener.Behind = m.Missed, m.Behind
	return i
}

// run tells until ctx ends.
func (i *informer) run(ctx context.Context) error {
	if i == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { i.listener.Run(ctx); return nil })
	g.Go(func() error { return i.messenger.Run(ctx) })
	return g.Wait()
}

// newThanks has vendors told which of their messages were used; nil where none
// wants to hear.
func newThanks(c config.Config, store *redisstore.Store, confirmers map[string]otp.Confirmer, log *slog.Logger) *notify.Listener {
	if len(confirmers) == 0 {
		return nil
	}
	return newListener(c, store, "thanks", &notify.Thanks{Journal: store, Providers: confirmers, Log: log}, log)
}

func noticePoster(c config.Config) webhook.Notices {
	all := map[string]webhook.Endpoint{}
	for _, e := range c.Events {
		all[e.Name] = webhook.Endpoint{URL: e.URL.Reveal(), Secrets: signing(e.Secrets), HTTP: webhook.NewGuardedClient(notify.Each, e.AllowPrivate)}
	}
	return webhook.Notices{Endpoints: all, Now: time.Now}
}

func endpoints(c config.Config) (all []notify.Endpoint) {
	for _, e := range c.Events {
		one := notify.Endpoint{Name: e.Name, Types: e.Types}
		for _, ns := range e.Namespaces {
			one.Namespaces = append(one.Namespaces, otp.Namespace(ns))
		}
		all = append(all, one)
	}
	return all
}

func endpointNames(c config.Config) (names []string) {
	for _, e := range c.Events {
		names = append(names, e.Name)
	}
	return names
}
