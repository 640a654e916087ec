package notify_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/otpipe/otpipe/internal/notify"
	"github.com/otpipe/otpipe/internal/otp"
)

// slow is a queue that takes its time with every notice.
type slow struct{ taken map[string]bool }

func (s slow) Put(ctx context.Context, all []notify.Notice) error {
	for _, n := range all {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
			s.taken[n.ID] = true
		}
	}
	return nil
}

func TestASlowQueueTakesTheNoticesOfManyEndpoints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := slow{map[string]bool{}}
		s := &notify.Scribe{Queue: q, Log: silent}
		for i := range 20 {
			s.Endpoints = append(s.Endpoints, notify.Endpoint{Name: fmt.Sprintf("shop-%d", i)})
		}
		var events []otp.Event
		for i := range 100 {
			events = append(events, otp.Event{Entry: fmt.Sprintf("%d-0", i), Kind: "verification.created", At: time.Now()})
		}
		ctx, cancel := context.WithTimeout(t.Context(), notify.Left)
		defer cancel()
		if err := s.Hear(ctx, events); err != nil || len(q.taken) != 2000 {
			t.Errorf("%d were taken: %v", len(q.taken), err)
		}
	})
}
