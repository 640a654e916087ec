package notify

import (
	"context"
	"log/slog"
	"slices"

	"github.com/otpipe/otpipe/internal/otp"
)

// Queue keeps notices until they are posted.
type Queue interface {
	// Put queues notices. One that is queued already counts as queued.
	Put(ctx context.Context, all []Notice) error
}

// Scribe makes notices of events and queues them for the endpoints that want
// them. It is wired by app; every field is required.
type Scribe struct {
	Queue     Queue
	Endpoints []Endpoint
	Log       *slog.Logger
}

// Hear queues notices, and keeps trying until ctx ends: as long as the queue does
// not take them, nothing more is read.
func (s *Scribe) Hear(ctx context.Context, events []otp.Event) error {
	all, err := s.notices(events)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(all, putMost) {
		if err := s.insist(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// insist puts some notices, as often as it takes.
func (s *Scribe) insist(ctx context.Context, some []Notice) error {
	for {
		err := s.put(ctx, some)
		if err == nil || ctx.Err() != nil {
			return err
		}
		s.Log.Error("notices cannot be queued", "count", len(some), "error", err)
		rest(ctx)
	}
}

// putMost is how many notices are put at once: so many that a queue which is slow
// takes them in time all the same.
const putMost = 200

func (s *Scribe) put(ctx context.Context, some []Notice) error {
	once, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenLimit)
	defer cancel()
	return s.Queue.Put(once, some)
}

// notices are what the endpoints want to know of some events.
func (s *Scribe) notices(events []otp.Event) (all []Notice, err error) {
	for _, e := range events {
		kind, text, err := bodyOf(e)
		if err != nil {
			return nil, err
		}
		for _, to := range s.Endpoints {
			if kind != "" && to.wants(kind, e.Namespace) {
				all = append(all, Notice{ID: idOf(e, to.Name), Endpoint: to.Name, At: e.At, Body: text})
			}
		}
	}
	return all, nil
}
