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

// Hearer does with events what a group of them is for.
type Hearer interface {
	// Hear returns nil when all of the events are dealt with: nobody hears them
	// again then. It returns at the latest some seconds after ctx has ended.
	Hear(ctx context.Context, events []otp.Event) error
}

const (
	listenEvery = 500 * time.Millisecond
	listenMost  = 100 // events of a partition at a time
	listenLimit = 3 * time.Second
)

// Left is after which time an event that a worker took and has not finished is
// taken by another. It is longer than a worker needs to deal with it.
const Left = 30 * time.Second

// Listener has events heard. One is finished once it has been dealt with, so none
// is lost with a worker. Every worker runs one for each group. It is wired by
// app; every field is required.
type Listener struct {
	Name       string // as the log says who reads
	Events     Events
	Hearer     Hearer
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
		l.Log.Error("events cannot be read", "operation", l.Name, "error", err)
		return
	}
	l.Log.Info("events are read again", "operation", l.Name)
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
		l.Log.Error("events were trimmed before they were read", "operation", l.Name, "count", missed)
	}
	if len(events) == 0 {
		return time.Time{}, 0, nil
	}
	return events[0].At, len(events), l.tell(ctx, p, events)
}

// tell has events heard and then finishes them.
func (l *Listener) tell(ctx context.Context, p otp.Partition, events []otp.Event) error {
	if err := l.Hearer.Hear(ctx, events); err != nil {
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
