package notify

import (
	"context"
	"log/slog"

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
	for err == nil && len(all) > 0 {
		err := s.put(ctx, all)
		if err == nil || ctx.Err() != nil {
			return err
		}
		s.Log.Error("notices cannot be queued", "count", len(all), "error", err)
		rest(ctx)
	}
	return err
}

func (s *Scribe) put(ctx context.Context, all []Notice) error {
	once, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenLimit)
	defer cancel()
	return s.Queue.Put(once, all)
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
