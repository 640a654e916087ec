package notify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/notify"
	"github.com/otpipe/otpipe/internal/otp"
)

// vendor hears which messages were used.
type vendor struct {
	mu   sync.Mutex
	told []string
	err  error
}

func (v *vendor) Confirm(ctx context.Context, ref string) error {
	if _, limited := ctx.Deadline(); !limited {
		return errors.New("no deadline")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.told = append(v.told, ref)
	return v.err
}

// book is a journal by id.
type book map[otp.ID]otp.History

func (b book) Find(_ context.Context, id otp.ID) (otp.History, error) {
	h, ok := b[id]
	switch {
	case id == "VEaway":
		return h, otp.ErrStoreUnavailable
	case !ok:
		return h, otp.ErrNotFound
	}
	return h, nil
}

// approved is an event for each of the ids.
func approved(ids ...otp.ID) (all []otp.Event) {
	for _, id := range ids {
		all = append(all, otp.Event{Kind: "verification.approved", Verification: id, At: time.Now()})
	}
	return all
}

func TestVendorsHearOfTheMessagesThatWereOfUse(t *testing.T) {
	t.Parallel()
	attempts := func(all ...otp.Attempt) otp.History { return otp.History{Sends: []otp.SendRecord{{Attempts: all}}} }
	journal := book{
		"VE1": attempts(
			otp.Attempt{Provider: "wants", State: otp.Failed, Ref: "refused"},
			otp.Attempt{Provider: "wants", State: otp.Undelivered, Ref: "given up"},
			otp.Attempt{Provider: "other", State: otp.Delivered, Ref: "of another"},
			otp.Attempt{Provider: "wants", State: otp.Unknown},
			otp.Attempt{Provider: "wants", State: otp.Delivered, Ref: "SM1"},
		),
		"VE2": attempts(otp.Attempt{Provider: "wants", State: otp.Accepted, Ref: "SM2"}),
		"VE3": attempts(otp.Attempt{Provider: "wants", State: otp.Delivered, Ref: "not approved"}),
	}
	for _, fails := range []error{nil, &otp.Fault{Class: otp.FaultProvider, Provider: "wants", Code: "http_500"}} {
		v := &vendor{err: fails}
		thanks := &notify.Thanks{Journal: journal, Providers: map[string]otp.Confirmer{"wants": v}, Log: silent}
		events := append(approved("VE1", "VE2", "VEgone"), otp.Event{Kind: "attempt.delivered", Verification: "VE3"})
		if err := thanks.Hear(t.Context(), events); err != nil {
			t.Fatal(err) // one try is all it is worth
		}
		slices.Sort(v.told)
		if d := cmp.Diff([]string{"SM1", "SM2"}, v.told); d != "" {
			t.Error(d)
		}
	}
}

func TestWithoutTheStoreAnEventIsHeardAgain(t *testing.T) {
	t.Parallel()
	thanks := &notify.Thanks{Journal: book{}, Providers: map[string]otp.Confirmer{}, Log: silent}
	if err := thanks.Hear(t.Context(), approved("VEaway")); !errors.Is(err, otp.ErrStoreUnavailable) {
		t.Fatal(err)
	}
}

func TestTwoGroupsHearEachEventByThemselves(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.add("verification.approved")
	for _, group := range []string{"notices", "thanks"} {
		heard := make(chan int, 10)
		l := r.listener()
		l.Events = r.group(group)
		l.Hearer = hearer(func(events []otp.Event) error { heard <- len(events); return nil })
		r.background(l.Run)
		select {
		case n := <-heard:
			if n != 1 {
				t.Errorf("%s heard %d", group, n)
			}
		case <-time.After(20 * time.Second):
			t.Fatal(fmt.Sprint(group, " heard nothing"))
		}
	}
}

type hearer func([]otp.Event) error

func (h hearer) Hear(_ context.Context, events []otp.Event) error { return h(events) }
