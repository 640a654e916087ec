package notify

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Events is the store's stream of what happened. It may be used by many
// goroutines and processes at once: each event goes to one of them.
type Events interface {
	// Listen takes the next events of a partition, first those that somebody
	// took and has not finished for a while. missed counts what was trimmed.
	Listen(ctx context.Context, p otp.Partition, most int, after time.Duration) (all []otp.Event, missed int, err error)
	// Heard finishes events: nobody takes them again.
	Heard(ctx context.Context, p otp.Partition, entries []string) error
}

// Queue keeps notices until they are posted.
type Queue interface {
	// Put queues notices. One that is queued already counts as queued.
	Put(ctx context.Context, all []Notice) error
}

const (
	listenEvery = 500 * time.Millisecond
	listenMost  = 100 // events of a partition at a time
	listenLimit = 3 * time.Second
)

// Left is after which time an event that a worker took and has not finished is
// taken by another. It is longer than a worker needs to queue its notices.
const Left = 30 * time.Second

// Listener makes notices of events and queues them. An event is finished once
// all of its notices are queued, so none is lost with a worker. Every worker runs
// one. It is wired by app; every field is required.
type Listener struct {
	Events     Events
	Queue      Queue
	Endpoints  []Endpoint
	Partitions int
	Left       time.Duration // see the constant
	Log        *slog.Logger
	Missed     func(n int)             // counts
	Behind     func(age time.Duration) // of the oldest event of a round; 0: there was none
	Now        func() time.Time        // time.Now
}

// Run listens until ctx ends.
func (l *Listener) Run(ctx context.Context) {
	down := false
	for ctx.Err() == nil {
		err := l.round(ctx)
		if (err != nil) != down && ctx.Err() == nil {
			down = err != nil
			l.report(err)
		}
		rest(ctx)
	}
}

func rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(listenEvery):
	}
}

// report says once that the store went away, and once that it is back.
func (l *Listener) report(err error) {
	if err != nil {
		l.Log.Error("events cannot be read", "error", err)
		return
	}
	l.Log.Info("events are read again")
}

// round hears what is new in every partition. One that cannot be read does not
// keep the others waiting.
func (l *Listener) round(ctx context.Context) error {
	var errs []error
	var oldest time.Time
	for p := range l.Partitions {
		first, err := l.partition(ctx, otp.Partition(p))
		errs = append(errs, err)
		if oldest.IsZero() || !first.IsZero() && first.Before(oldest) {
			oldest = first
		}
	}
	l.behind(oldest)
	return errors.Join(errs...)
}

// partition hears all that is new in one, and tells when the first of it happened.
func (l *Listener) partition(ctx context.Context, p otp.Partition) (first time.Time, err error) {
	for more := true; more && ctx.Err() == nil; {
		var at time.Time
		var n int
		if at, n, err = l.hear(ctx, p); first.IsZero() {
			first = at
		}
		more = err == nil && n == listenMost
	}
	return first, err
}

func (l *Listener) behind(oldest time.Time) {
	if oldest.IsZero() {
		l.Behind(0)
		return
	}
	l.Behind(max(0, l.Now().Sub(oldest)))
}

// hear takes some events of a partition and tells when the first of them
// happened, and how many there were. A worker that stops finishes what it has
// taken: otherwise it would be left lying for a while.
func (l *Listener) hear(ctx context.Context, p otp.Partition) (first time.Time, n int, err error) {
	once, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenLimit)
	defer cancel()
	events, missed, err := l.Events.Listen(once, p, listenMost, l.Left)
	if err != nil {
		return time.Time{}, 0, err
	}
	if missed > 0 {
		l.Missed(missed)
		l.Log.Error("events were trimmed before they were read", "count", missed)
	}
	if len(events) == 0 {
		return time.Time{}, 0, nil
	}
	return events[0].At, len(events), l.tell(ctx, p, events)
}

// tell queues what the endpoints want to know and then finishes the events.
func (l *Listener) tell(ctx context.Context, p otp.Partition, events []otp.Event) error {
	all, err := l.notices(events)
	if err == nil && len(all) > 0 {
		err = l.put(ctx, all)
	}
	if err != nil {
		return err
	}
	var entries []string
	for _, e := range events {
		entries = append(entries, e.Entry)
	}
	once, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenLimit)
	defer cancel()
	return l.Events.Heard(once, p, entries)
}

// put queues notices, and keeps trying until ctx ends: as long as the queue does
// not take them, nothing more is read.
func (l *Listener) put(ctx context.Context, all []Notice) error {
	for {
		err := l.putOnce(ctx, all)
		if err == nil || ctx.Err() != nil {
			return err
		}
		l.Log.Error("notices cannot be queued", "count", len(all), "error", err)
		rest(ctx)
	}
}

func (l *Listener) putOnce(ctx context.Context, all []Notice) error {
	once, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenLimit)
	defer cancel()
	return l.Queue.Put(once, all)
}

// notices are what the endpoints want to know of some events.
func (l *Listener) notices(events []otp.Event) (all []Notice, err error) {
	for _, e := range events {
		kind, text, err := bodyOf(e)
		if err != nil {
			return nil, err
		}
		for _, to := range l.Endpoints {
			if kind != "" && to.wants(kind, e.Namespace) {
				all = append(all, Notice{ID: idOf(e, to.Name), Endpoint: to.Name, At: e.At, Body: text})
			}
		}
	}
	return all, nil
}
