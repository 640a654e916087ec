package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Journal tells what happened.
type Journal interface {
	// Find fails with otp.ErrNotFound.
	Find(ctx context.Context, id otp.ID) (otp.History, error)
}

// thanksLimit is how long a vendor may take to be told.
const thanksLimit = 5 * time.Second

// Thanks tells vendors which messages were of use: those whose code was right.
// It is advice to the vendor and worth one try. It is wired by app; every field is
// required.
type Thanks struct {
	Journal   Journal
	Providers map[string]otp.Confirmer // those that want to hear
	Log       *slog.Logger
}

// Hear confirms the messages of the verifications that were approved.
func (t *Thanks) Hear(ctx context.Context, events []otp.Event) error {
	var all sync.WaitGroup
	defer all.Wait()
	for _, e := range events {
		if e.Kind != "verification.approved" {
			continue
		}
		once, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenLimit)
		h, err := t.Journal.Find(once, e.Verification)
		cancel()
		if errors.Is(err, otp.ErrNotFound) {
			continue // nobody keeps it any more
		}
		if err != nil {
			return err
		}
		for _, a := range taken(h) {
			if p := t.Providers[a.Provider]; p != nil {
				all.Go(func() { t.confirm(ctx, e.Verification, p, a) })
			}
		}
	}
	return nil
}

// taken are the messages that a vendor took and has not given up.
func taken(h otp.History) (all []otp.Attempt) {
	for _, s := range h.Sends {
		for _, a := range s.Attempts {
			if a.Ref != "" && a.State != otp.Failed && a.State != otp.Undelivered {
				all = append(all, a)
			}
		}
	}
	return all
}

func (t *Thanks) confirm(ctx context.Context, id otp.ID, p otp.Confirmer, a otp.Attempt) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), thanksLimit)
	defer cancel()
	if err := p.Confirm(ctx, a.Ref); err != nil {
		t.Log.WarnContext(ctx, "vendor not told that its message was used", "id", string(id), "provider", a.Provider, "error", otp.AsFault(a.Provider, err))
	}
}
