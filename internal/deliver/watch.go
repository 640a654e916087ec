package deliver

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Dues is the store's list of what has to be looked after.
type Dues interface {
	// Due lists at most so many entries of a partition whose time has come,
	// and puts each off a little so that no other worker gets it too.
	Due(ctx context.Context, p otp.Partition, most int) ([]otp.Due, error)
	// Settle ends a verification whose code has expired.
	Settle(ctx context.Context, id otp.ID) (expired bool, err error)
}

// Ringer tells the workers that a send is due. It never blocks and may lose the news.
type Ringer interface {
	Ring(ctx context.Context, d otp.Due)
}

const (
	watchEvery = 500 * time.Millisecond
	watchMost  = 100 // entries of a partition at a time
	watchLimit = 3 * time.Second
)

// watchCalm is how long a store must have answered again before anything is rung
// for. Leases have ended meanwhile that belong to workers who know the outcome and
// want to write it down, and not all of them find out at the same time that they
// can: go-redis, after as many failed dials as its pool is large, tries once a
// second; finishPause comes on top.
const watchCalm = 2 * time.Second

// Watch finds the sends that nobody holds, whoever lost them, and rings for
// them; and it settles what has expired. Every worker runs one. It is wired by
// app; every field is required.
type Watch struct {
	Dues       Dues
	Ringer     Ringer
	Partitions int
	Log        *slog.Logger
	Rang       func() // counts
	Settled    func() // counts
}

// Run watches until ctx ends. Each partition is watched by itself: the store may
// be a cluster, and a node that does not answer must not keep the others waiting.
func (w *Watch) Run(ctx context.Context) {
	var away atomic.Int32
	var all sync.WaitGroup
	for p := range w.Partitions {
		all.Go(func() {
			// Not all at once: they share the connections with the hand-overs.
			if rest(ctx, watchEvery*time.Duration(p)/time.Duration(w.Partitions)) {
				w.follow(ctx, otp.Partition(p), &away)
			}
		})
	}
	all.Wait()
}

// follow watches one partition. away counts those that cannot be read.
func (w *Watch) follow(ctx context.Context, p otp.Partition, away *atomic.Int32) {
	down := false
	var calm time.Time // when everything may be as it was before an outage
	for {
		err := w.look(ctx, p, down || time.Now().Before(calm))
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != down {
			down = err != nil
			w.report(err, away)
			calm = time.Now().Add(watchCalm)
		}
		// A ticker would have its next tick ready after a look that took long, and
		// the pause after an outage would be none.
		if !rest(ctx, watchEvery) {
			return
		}
	}
}

// rest tells whether there is anything to do after it.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// look makes a round, or only asks whether the store answers.
func (w *Watch) look(ctx context.Context, p otp.Partition, onlyAsk bool) error {
	ctx, cancel := context.WithTimeout(ctx, watchLimit)
	defer cancel()
	if !onlyAsk {
		return w.partition(ctx, p)
	}
	_, err := w.Dues.Due(ctx, p, 0)
	return err
}

// report says once that the store, or a part of it, went away, and once that all
// of it is back.
func (w *Watch) report(err error, away *atomic.Int32) {
	if err != nil {
		if away.Add(1) == 1 {
			w.Log.Error("watch cannot reach the store", "error", err)
		}
		return
	}
	if away.Add(-1) == 0 {
		w.Log.Info("watch reaches the store again")
	}
}

func (w *Watch) partition(ctx context.Context, p otp.Partition) error {
	for {
		dues, err := w.Dues.Due(ctx, p, watchMost)
		if err != nil {
			return err
		}
		if err := w.attend(ctx, dues); err != nil || len(dues) < watchMost {
			return err
		}
	}
}

// attend rings for sends and settles verifications.
func (w *Watch) attend(ctx context.Context, dues []otp.Due) error {
	var errs []error
	for _, d := range dues {
		if d.Order.Send > 0 {
			w.Ringer.Ring(ctx, d)
			w.Rang()
			continue
		}
		expired, err := w.Dues.Settle(ctx, d.Order.ID)
		errs = append(errs, err)
		if expired {
			w.Settled()
			w.Log.InfoContext(ctx, "verification expired", "id", string(d.Order.ID))
		}
	}
	return errors.Join(errs...)
}
