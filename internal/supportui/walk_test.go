package supportui_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/support"
)

// walk lives lives: what workers, vendors, persons and staff may do, in any order.
type walk struct {
	*rig
	dice  *rand.Rand
	order otp.Order
	trace []string
}

// step does something that may be possible or not.
func (w *walk) step() {
	deeds := []struct {
		name string
		do   func()
	}{
		{"pass a second", func() { w.pass(time.Second) }},
		{"pass 20 s", func() { w.pass(20 * time.Second) }},
		{"pass 70 s", func() { w.pass(70 * time.Second) }},
		{"pass 3 min", func() { w.pass(3 * time.Minute) }},
		{"clear the suppression", w.unsuppress},
		{"start", w.ask},
		{"start", w.ask},
		{"hand over", w.handOverAny},
		{"hand over", w.handOverAny},
		{"begin and die", func() { w.claimed(func(c otp.Claim) { w.enterProvider(c) }) }},
		{"rest", func() { w.claimed(w.restAny) }},
		{"turn", func() { w.claimed(w.turnAny) }},
		{"receipt", w.receiptAny},
		{"receipt", w.receiptAny},
		{"wrong codes", func() {
			for range w.dice.IntN(4) {
				_, _ = w.tryGuess("999999")
			}
		}},
		{"settle", func() { _, _ = w.store.Settle(w.t.Context(), w.order.ID) }},
		{"end it", func() {
			if w.dice.IntN(2) == 0 {
				_, _ = w.tryGuess(code)
				return
			}
			_ = w.store.CancelFor(w.t.Context(), w.order.ID, otp.Act{Actor: "oskar", Reason: "x"})
		}},
		{"unlock", w.unlock},
		{"divert", func() {
			_, _ = w.store.Divert(w.t.Context(), w.order.ID, otp.Email, mailMask, otp.Act{Actor: "oskar", Reason: "x"})
		}},
	}
	d := deeds[w.dice.IntN(len(deeds))]
	w.trace = append(w.trace, d.name)
	d.do()
}

func pick[T any](w *walk, all ...T) T { return all[w.dice.IntN(len(all))] }

func (w *walk) ask() {
	o, err := w.tryStart(asked{others: w.dice.IntN(2) == 0, free: w.dice.IntN(2) == 0})
	if err == nil {
		w.order = o
	}
}

func (w *walk) unsuppress() {
	to, err := address.Parse(otp.SMS, phone)
	w.must(err)
	_, err = w.store.Unsuppress(w.t.Context(), w.order.ID, w.keys.Owner(otp.PhoneAuth, to, "", 16), otp.SMS, otp.Act{Actor: "oskar", Reason: "x"})
	w.must(err)
}

func (w *walk) claimed(do func(otp.Claim)) {
	c, ok, err := w.store.Claim(w.t.Context(), w.order, fmt.Sprint("worker ", len(w.trace)))
	w.must(err)
	if ok && !c.Ask {
		do(c)
	}
}

func (w *walk) enterProvider(c otp.Claim) bool {
	_, err := w.store.Begin(w.t.Context(), c, len(c.Attempts)+1, pick(w, "twilio", "smsc"))
	return err == nil
}

func (w *walk) handOverAny() {
	w.claimed(func(c otp.Claim) {
		if !w.enterProvider(c) {
			return
		}
		w.pass(100 * time.Millisecond)
		out := pick(w,
			otp.Outcome{State: otp.Accepted}, otp.Outcome{State: otp.Accepted}, otp.Outcome{State: otp.Sent},
			otp.Outcome{State: otp.Failed, Class: otp.FaultProvider, Reason: "http_503"},
			otp.Outcome{State: otp.Failed, Class: otp.FaultUs, Reason: "twilio_20003"},
			otp.Outcome{State: otp.Failed, Class: otp.FaultRecipient, Reason: "twilio_21610"},
			otp.Outcome{State: otp.Failed, Class: otp.FaultRecipient, Reason: "twilio_21211", Permanent: true},
			otp.Outcome{State: otp.Unknown, Class: otp.FaultUnknown, Reason: "timeout"},
		)
		out.Order, out.Attempt, out.Channel = c.Order, len(c.Attempts)+1, otp.SMS
		_, err := w.store.Finish(w.t.Context(), out)
		w.must(err)
	})
}

func (w *walk) restAny(c otp.Claim) {
	pause := pick(w, -1, time.Second, 15*time.Second)
	_, _, err := w.store.Rest(w.t.Context(), c, pause, pick(w, "", "no_provider_open", "template", "route_spent"))
	w.must(err)
}

func (w *walk) turnAny(c otp.Claim) {
	to, err := address.Parse(otp.Email, mailbox)
	w.must(err)
	next, _, _, err := w.store.Turn(w.t.Context(), c, w.keys.Owner(otp.PhoneAuth, to, "", 16), pick(w, "", "", "cooldown", "daily"))
	w.must(err)
	if next != nil {
		w.order = next.Order
	}
}

func (w *walk) receiptAny() {
	h, err := w.store.Find(w.t.Context(), w.order.ID)
	w.must(err)
	for n, s := range h.Sends {
		for i, a := range s.Attempts {
			if w.dice.IntN(2) == 0 {
				continue
			}
			r := pick(w,
				otp.Receipt{State: otp.Sent}, otp.Receipt{State: otp.Delivered},
				otp.Receipt{State: otp.Unknown, Reason: "no_receipt"},
				otp.Receipt{State: otp.Undelivered, Class: otp.FaultProvider, Reason: "twilio_30003"},
				otp.Receipt{State: otp.Undelivered, Class: otp.FaultRecipient, Reason: "twilio_30005", Permanent: true},
			)
			r.Order, r.Attempt, r.Provider = otp.Order{ID: h.ID, Send: n + 1}, i+1, a.Provider
			_, err := w.store.Receive(w.t.Context(), r)
			w.must(err)
		}
	}
}

var unreadable = regexp.MustCompile(`%!|  |\.\.|_|: \.|-\d|00:00 UTC|^[a-z ]+ ago| (to|by|from|as)[.;]|gave no reason|It said|it said`)

// wrong is what is wrong with an explanation of how things are, whatever they are.
func wrong(f support.File) string {
	x, s := f.Explanation, f.Newest()
	text := x.What + " " + x.Next
	switch {
	case x.Short == "" || x.What == "" || x.Next == "" || x.Mood == "":
		return "something is missing"
	case !strings.HasSuffix(x.What, ".") || !strings.HasSuffix(x.Next, "."):
		return "no sentence"
	case unreadable.MatchString(text):
		return fmt.Sprintf("%q is no English", unreadable.FindString(text))
	case strings.Contains(strings.ToLower(x.Next), "send again") && (f.Status != otp.Pending || f.SendsLeft() == 0):
		return "it advises a send that is not possible"
	case strings.Contains(text, "right now") && s.Status() != otp.Sending:
		return "nobody is handing it over"
	case x.Mood == support.Wait && s.State != otp.Queued && s.Status() != otp.Accepted && s.Status() != otp.Sent:
		return "nobody works on it any more"
	case strings.HasPrefix(x.What, "Delivered") && s.Status() != otp.Delivered:
		return "it is not delivered"
	case f.Status == otp.Locked && f.Allowance.LockedUntil.IsZero() == strings.Contains(text, "locked until") && x.Mood != support.Bad,
		f.Status == otp.Locked && f.Allowance.LockedUntil.IsZero() && x.Mood == support.Bad:
		return "locked or not"
	}
	return cmp.Or(wrongAboutLimits(f), wrongAboutProviders(f), wrongAboutAddresses(f))
}

var named = regexp.MustCompile(`(twilio|smsc) (refused it|took it and could not)|(Taken by) (twilio|smsc)`)

// wrongAboutProviders looks whether who is named has done what is said.
func wrongAboutProviders(f support.File) string {
	m := named.FindStringSubmatch(f.Explanation.What)
	if m == nil {
		return ""
	}
	did := map[string]string{"refused it": "failed", "took it and could not": "undelivered", "Taken by": "accepted sent"}[m[2]+m[3]]
	for _, s := range f.Steps {
		if s.Send == len(f.Sends) && s.Provider == m[1]+m[4] && strings.Contains(did, s.State) {
			return ""
		}
	}
	return m[1] + m[4] + " has not " + did
}

// wrongAboutAddresses looks at what is said of other messages and addresses, and of
// the suppression of this one.
func wrongAboutAddresses(f support.File) string {
	text := f.Explanation.What + " " + f.Explanation.Next
	_, silenced := f.Allowance.Silenced[otp.SMS]
	arrived := false
	for _, s := range f.Sends {
		arrived = arrived || s.Status() == otp.Delivered
	}
	open := f.Status == otp.Pending || f.Status == otp.Expired
	toThePhone := f.Newest().Masked == "" && f.Explanation.Mood == support.Bad && f.Newest().State != otp.Queued
	switch {
	case open && arrived && !regexp.MustCompile(`Delivered|was delivered`).MatchString(text):
		return "that one arrived is not said"
	case strings.Contains(text, "goes to the other address") && len(f.Elsewhere) == 0:
		return "there is no other address"
	case strings.Contains(text, "clear the suppression") && !silenced, strings.Contains(text, "suppression is cleared") && !silenced:
		return "there is no suppression"
	case open && toThePhone && silenced && !strings.Contains(text, "suppression"):
		return "that it is suppressed is not said"
	}
	return ""
}

func wrongAboutLimits(f support.File) string {
	advised := strings.Contains(f.Explanation.Next, "request a new code")
	switch {
	case f.Explanation.Mood == support.Wait || f.Explanation.Mood == support.Good:
		return ""
	case advised && f.Status != otp.Locked && !f.Allowance.LockedUntil.IsZero() && !strings.Contains(f.Explanation.Next, "locked until"):
		return "it advises a request that the lock refuses"
	case advised && f.Allowance.Daily.Used >= f.Policy.Daily && !strings.Contains(f.Explanation.Next, "had all of their codes") && f.Allowance.LockedUntil.IsZero():
		return "it advises a request that the quota refuses"
	}
	return ""
}

func TestWhateverHappensTheExplanationHolds(t *testing.T) {
	t.Parallel()
	told := map[string]bool{}
	for seed := range uint64(100) {
		w := &walk{rig: newRig(t), dice: rand.New(rand.NewPCG(seed, 1))}
		w.order = w.start(asked{others: seed%2 == 0})
		first := w.order
		for range 50 {
			w.step()
			for _, o := range []otp.Order{first, w.order} {
				f, err := w.support.Open(t.Context(), admin, o.ID)
				w.must(err)
				told[f.Explanation.Short] = true
				if bad := wrong(f); bad != "" {
					t.Errorf("seed %d: %s\n%s, %s/%s: %s\nNext: %s\n%s", seed, bad, f.Status, f.Newest().State, f.Newest().Status(),
						f.Explanation.What, f.Explanation.Next, strings.Join(w.trace, ", "))
				}
			}
			if t.Failed() {
				return
			}
		}
	}
	if len(told) < 18 {
		t.Errorf("the walks came to %d explanations only: %v", len(told), told)
	}
}
