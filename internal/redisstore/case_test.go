package redisstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
)

var byKim = otp.Act{Actor: "kim", Reason: "the caller waits on the phone"}

func (r *rig) caseOf(id otp.ID) otp.Case {
	r.t.Helper()
	c, err := r.store.Case(r.t.Context(), id)
	if err != nil {
		r.t.Fatalf("case: %v", err)
	}
	return c
}

func (r *rig) allowance(a ask) otp.Allowance {
	r.t.Helper()
	all, err := r.store.Allowance(r.t.Context(), r.owner(a.filled()))
	if err != nil {
		r.t.Fatalf("allowance: %v", err)
	}
	return all
}

// acts are the events of what the staff did, "kind actor reason".
func (r *rig) acts(p otp.Partition) (all []string) {
	r.t.Helper()
	g := redisstore.Group{Store: r.store, Name: "test"}
	events, _, err := g.Listen(r.t.Context(), p, 1000, time.Minute)
	r.must(err)
	for _, e := range events {
		if e.Actor != "" {
			all = append(all, e.Kind+" "+e.Actor+" "+e.Reason)
		}
	}
	return all
}

func TestACaseHasWhatMayStillBeSent(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		a := ask{binding: "this browser"}.filled()
		o := r.opening(a)
		elsewhere(r, &o)
		opened, err := r.store.Start(t.Context(), o)
		r.must(err)
		c := r.caseOf(opened.Order.ID)
		if c.Owner.Namespace != a.ns || c.Owner.Binding != r.keys.BindingOf(a.binding) || c.Owner.Anchor != o.Owner.Anchor {
			t.Errorf("owner %+v", c.Owner)
		}
		to, err := r.keys.OpenAddress(c.Owner, c.Address, "+49•••")
		if err != nil || to.Reveal() != a.to || to.Channel() != otp.SMS {
			t.Errorf("address: %v, %v", to, err)
		}
		if l, err := r.keys.OpenLetter(c.Owner, c.Letter); err != nil || l.To.Reveal() != a.to {
			t.Errorf("letter: %v, %v", l.To, err)
		}
		if len(c.Elsewhere) != 1 || c.Elsewhere[0] != o.Fallbacks[0] {
			t.Errorf("elsewhere: %+v", c.Elsewhere)
		}
		r.must(r.store.Cancel(t.Context(), opened.Order.ID))
		if c := r.caseOf(opened.Order.ID); c.Letter != "" || len(c.Elsewhere) > 0 || c.Address == "" {
			t.Errorf("of a verification that has ended: %+v", c)
		}
		if _, err := r.store.Case(t.Context(), otp.NewID(3)); !errors.Is(err, otp.ErrNotFound) {
			t.Errorf("of none: %v", err)
		}
	})
}

// elsewhere gives an opening another address.
func elsewhere(r *rig, o *otp.Opening) {
	r.t.Helper()
	other := otp.NewRecipient(otp.Email, "kim@example.com", "kim@example.com", "k•••@e•••.com")
	letter, err := r.keys.SealLetter(o.Owner, otp.Letter{To: other})
	r.must(err)
	o.Fallbacks = []otp.Fallback{{Channel: otp.Email, Masked: other.Masked(), Letter: letter}}
}

func TestAnAllowanceTellsWhatARecipientMayDo(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		if a := r.allowance(ask{}); !a.LockedUntil.IsZero() || !a.WaitUntil.IsZero() || a.Daily.Used != 0 || !a.Daily.ResetAt.IsZero() || len(a.Silenced) > 0 {
			t.Errorf("of a stranger: %+v", a)
		}
		o := r.mustStart(ask{})
		a := r.allowance(ask{})
		if a.Daily.Used != 1 || a.AllDaily.Used != 1 || a.Daily.ResetAt.Sub(a.Now) <= 23*time.Hour || !a.WaitUntil.After(a.Now) {
			t.Errorf("after a send: %+v", a)
		}
		r.suppress(o.Order)
		r.pass(2 * time.Minute)
		for range 5 {
			r.mustCheck(ask{code: "999999"}, otp.CodeMismatch)
		}
		a = r.allowance(ask{})
		if left := a.LockedUntil.Sub(a.Now); left <= 14*time.Minute || left > 15*time.Minute {
			t.Errorf("locked for %s", left)
		}
		if until, is := a.Silenced[otp.SMS]; !is || until.Sub(a.Now) < 29*24*time.Hour || len(a.Silenced) != 1 {
			t.Errorf("silenced: %v", a.Silenced)
		}
		if !a.WaitUntil.IsZero() {
			t.Errorf("a cooldown that is over: %s", a.WaitUntil)
		}
		r.pass(16 * time.Minute)
		if a = r.allowance(ask{}); !a.LockedUntil.IsZero() {
			t.Errorf("a lock that is over: %s", a.LockedUntil)
		}
	})
}

// suppress has a provider say that the recipient cannot be reached at all.
func (r *rig) suppress(o otp.Order) {
	r.t.Helper()
	c := r.claim(o, "w")
	r.must(r.begin(c, 1))
	_, err := r.store.Finish(r.t.Context(), otp.Outcome{Order: o, Attempt: 1, Channel: otp.SMS, State: otp.Failed, Class: otp.FaultRecipient, Reason: "r", Permanent: true})
	r.must(err)
}

func TestAnAllowanceIsFoundUnderAnOldKey(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.suppress(o.Order)
		r.keys = keysOf(t, "k2", "k1")
		if a := r.allowance(ask{}); a.Daily.Used != 1 || len(a.Silenced) != 1 {
			t.Errorf("%+v", a)
		}
	})
}

func TestWhatWasSuppressedMayBeSentAgain(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.suppress(o.Order)
		r.pass(2 * time.Minute)
		silent := r.mustStart(ask{}) // while nothing may be sent
		if c := r.caseOf(silent.Order.ID); c.Letter == "" {
			t.Fatal("a suppressed send has no letter")
		}
		clear := func() bool {
			t.Helper()
			did, err := r.store.Unsuppress(t.Context(), silent.Order.ID, r.owner(ask{}.filled()), otp.SMS, byKim)
			r.must(err)
			return did
		}
		if !clear() || clear() {
			t.Error("it was there once")
		}
		r.pass(2 * time.Minute)
		again := r.opening(ask{}.filled())
		again.Act = byKim
		opened, err := r.store.Start(t.Context(), again)
		r.must(err)
		if opened.Order.ID != silent.Order.ID || opened.State != otp.Queued {
			t.Errorf("%+v", opened)
		}
		want := []string{"verification.unsuppressed kim " + byKim.Reason, "verification.sent_again kim " + byKim.Reason}
		if got := r.acts(again.Owner.Partition); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		if states := r.states(opened.Order.ID); !slices.Contains(states, "unsuppressed") || !slices.Contains(states, "sent_again") {
			t.Errorf("%q", states)
		}
		if _, err := r.store.Unsuppress(t.Context(), otp.NewID(1), r.owner(ask{}.filled()), otp.SMS, byKim); !errors.Is(err, otp.ErrNotFound) {
			t.Errorf("on no page: %v", err)
		}
	})
}

func TestAnActNamesWhoDidIt(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o := r.mustStart(ask{})
		r.must(r.store.Witness(t.Context(), o.Order.ID, "revealed", byKim))
		r.must(r.store.CancelFor(t.Context(), o.Order.ID, byKim))
		r.must(r.store.CancelFor(t.Context(), o.Order.ID, byKim)) // again: nothing new
		want := []string{"verification.revealed kim " + byKim.Reason, "verification.withdrawn kim " + byKim.Reason}
		if got := r.acts(o.Order.ID.Partition()); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		for _, s := range r.history(o.Order.ID).Steps {
			if strings.Contains(s.Reason, "phone") {
				t.Errorf("the journal quotes them: %+v", s)
			}
		}
		if err := r.store.Witness(t.Context(), otp.NewID(1), "revealed", byKim); !errors.Is(err, otp.ErrNotFound) {
			t.Errorf("of none: %v", err)
		}
	})
}

// diverted is a verification with another address, at which divert is tried.
func (r *rig) diverted(prepare func(o otp.Order)) (otp.Order, otp.Due, error) {
	r.t.Helper()
	o := r.opening(ask{to: "+4915112345" + otp.NewCode(4).Reveal()}.filled())
	elsewhere(r, &o)
	opened, err := r.store.Start(r.t.Context(), o)
	r.must(err)
	prepare(opened.Order)
	due, err := r.store.Divert(r.t.Context(), opened.Order.ID, otp.Email, "k•••@e•••.com", byKim)
	return opened.Order, due, err
}

func TestACodeIsDivertedWhereverItIs(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for name, prepare := range map[string]func(o otp.Order){
			"waiting":   func(otp.Order) {},
			"accepted":  r.accept,
			"delivered": func(o otp.Order) { r.accept(o); r.receive(o, otp.Delivered, nil) },
			"resting":   func(o otp.Order) { r.rest(r.claim(o, "w"), time.Minute, "no_provider_open") },
		} {
			o, due, err := r.diverted(prepare)
			if err != nil || due.Order != o || due.Channel != otp.SMS {
				t.Fatalf("%s: %+v, %v", name, due, err)
			}
			c := r.claim(o, "another")
			if !c.Turn || c.Fallback == nil || c.Fallback.Masked != "k•••@e•••.com" {
				t.Fatalf("%s: %+v", name, c)
			}
			next, _, _, err := r.store.Turn(t.Context(), c, r.owner(ask{}.filled()), "")
			r.must(err)
			if next == nil || next.Channel != otp.Email || next.Order.Send != 2 {
				t.Errorf("%s: next %+v", name, next)
			}
			if _, err := r.store.Divert(t.Context(), o.ID, otp.Email, "k•••@e•••.com", byKim); !errors.Is(err, otp.ErrNotFound) {
				t.Errorf("%s: to an address that is used up: %v", name, err)
			}
			if got := r.acts(o.ID.Partition()); !slices.Equal(got, []string{"verification.diverted kim " + byKim.Reason}) || !slices.Contains(r.states(o.ID), "diverted") {
				t.Errorf("%s: told %q", name, got)
			}
		}
	})
}

func TestACodeIsNotDivertedWhereItMustNot(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for name, c := range map[string]struct {
			prepare func(o otp.Order)
			want    error
		}{
			"being handed over": {func(o otp.Order) { r.must(r.begin(r.claim(o, "w"), 1)) }, otp.ErrInFlight},
			"canceled":          {func(o otp.Order) { r.must(r.store.Cancel(t.Context(), o.ID)) }, otp.ErrFinished},
		} {
			if _, _, err := r.diverted(c.prepare); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		o := r.mustStart(ask{})
		if _, err := r.store.Divert(t.Context(), o.Order.ID, otp.Email, "k•••@e•••.com", byKim); !errors.Is(err, otp.ErrNotFound) {
			t.Errorf("where there is no other address: %v", err)
		}
		if got := r.acts(o.Order.ID.Partition()); len(got) > 0 {
			t.Errorf("acts that were not done: %q", got)
		}
	})
}

func TestACodeThatIsAboutToEndIsNotDiverted(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		_, _, err := r.diverted(func(o otp.Order) { r.accept(o); r.pass(5*time.Minute - 10*time.Second) })
		if !errors.Is(err, otp.ErrFinished) {
			t.Errorf("%v", err)
		}
	})
}

func TestACodeWhoseOtherAddressIsRefusedGoesOnAsBefore(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		o, _, err := r.diverted(func(otp.Order) {})
		r.must(err)
		c := r.claim(o, "w")
		if next, more, state, err := r.store.Turn(t.Context(), c, r.owner(ask{}.filled()), "cooldown"); err != nil || next != nil || more != nil || state != otp.Queued {
			t.Fatalf("%v, %v, %s, %v", next, more, state, err)
		}
		r.must(r.begin(c, 1))
		r.finish(c, 1, otp.Accepted, "")
		if s := r.history(o.ID).Sends[0].Status(); s != otp.Accepted {
			t.Errorf("%s", s)
		}
	})
}
