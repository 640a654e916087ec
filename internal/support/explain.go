package support

import (
	"fmt"
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Mood is how something is looked at.
type Mood string

// The moods.
const (
	Good Mood = "good" // it went as it should
	Wait Mood = "wait" // something is under way
	Bad  Mood = "bad"  // somebody has to do something
	Idle Mood = "idle" // over, or of no weight
)

// Explanation says of a verification what happened and what to do next, each in
// a sentence or two. It holds neither a code nor an address.
type Explanation struct {
	Short string // a few words, for a list
	What  string
	Next  string // "" if there is nothing to do
	Mood  Mood
}

// Explainer puts a verification's life into words.
type Explainer struct {
	// Words are what a vendor's code means, "" if it is no vendor's.
	Words func(code string) string
	// Blame says at whose door a vendor's code lies, "" if that is not known. It
	// may be nil.
	Blame func(code string) otp.Class
}

// Explain tells how a verification stands at a time.
func (e Explainer) Explain(h otp.History, now time.Time) Explanation {
	switch h.Status {
	case otp.Approved:
		return Explanation{
			"approved", "The right code was typed" + when(lastStep(h, "approved")) + ".",
			"Nothing. If the person still cannot get in, the cause lies in the product.", Good,
		}
	case otp.Locked:
		return locked(h, now)
	case otp.Canceled:
		return canceled(h)
	case otp.Expired:
		return e.earlier(h, e.expired(h))
	}
	x := e.earlier(h, e.delivery(h, now))
	if wrong := h.Checks; wrong > 0 {
		x.What += fmt.Sprintf(" %s so far, of %d that are allowed.", count(wrong, "wrong code"), h.MaxChecks)
	}
	return x
}

func locked(h otp.History, now time.Time) Explanation {
	what := fmt.Sprintf("Locked after %s", count(h.Checks, "wrong code"))
	if h.Checks < h.MaxChecks {
		what += " here, on top of those for earlier codes"
	}
	switch by := lastStep(h, "locked", "unlocked"); {
	case by.State == "unlocked":
		return Explanation{"was locked", what + "; unlocked by " + by.Reason + when(by) + ".", requestNew, Idle}
	case !now.Before(h.LockedTill):
		return Explanation{"was locked", what + "; the lock ended at " + clock(h.LockedTill) + ".", requestNew, Idle}
	}
	return Explanation{
		"locked", fmt.Sprintf("%s until %s, another %s.", what, clock(h.LockedTill), span(h.LockedTill.Sub(now))),
		"Ask the person to wait. Unlock only if you know who they are: somebody guessed.", Bad,
	}
}

func canceled(h otp.History) Explanation {
	by := "the product"
	if s := lastStep(h, "withdrawn"); s.Reason != "" {
		by = s.Reason + " of the support staff"
	}
	return Explanation{"canceled", "Canceled by " + by + when(lastStep(h, "canceled")) + ".", "Ask the person to request a new code if they still need one.", Idle}
}

// expired is a code that nobody typed in time.
func (e Explainer) expired(h otp.History) Explanation {
	s, at := h.Newest(), clock(h.ExpiresAt)
	typed := "No code was typed"
	if h.Checks > 0 {
		typed = count(h.Checks, "wrong code") + " and no right one " + was(h.Checks) + " typed"
	}
	switch s.Status() {
	case otp.Delivered:
		return Explanation{"expired", fmt.Sprintf("Delivered%s. %s before it expired at %s.", elsewhere(s), typed, at), requestNew, Idle}
	case otp.Accepted, otp.Sent:
		return Explanation{"expired", fmt.Sprintf("%s%s, and never confirmed. %s before it expired at %s.", taken(h, s), elsewhere(s), typed, at), requestNew, Idle}
	case otp.SendSuperseded:
		return Explanation{"replaced", "A later request took its place before it was sent.", "Look at the recipient's newer verification.", Idle}
	case otp.Queued:
		return e.unsent(h, at)
	case otp.Sending:
		return Explanation{"expired", "It was still being handed to " + s.Provider() + " when it expired at " + at + ".", requestNew, Idle}
	}
	return e.settled(h, s)
}

// unsent is a code that expired while somebody was to send it.
func (e Explainer) unsent(h otp.History, at string) Explanation {
	what := "It was still not sent when it expired at " + at + "."
	if f := e.obstacle(h); f != "" {
		what = "It was still not sent when it expired at " + at + ": " + f + "."
	}
	return Explanation{"not sent", what, "Tell an operator: the overview shows providers and workers. " + requestNew, Bad}
}

// obstacle is what last kept the newest send, "" if nothing is known.
func (e Explainer) obstacle(h otp.History) string {
	s := lastOf(h, "waiting", "failed", "undelivered")
	switch {
	case s.State == "":
		return ""
	case s.Provider == "":
		return e.reason(s)
	}
	return s.Provider + " did not deliver it, as " + e.reason(s)
}

// earlier adds that another message than the newest has arrived.
func (e Explainer) earlier(h otp.History, x Explanation) Explanation {
	if h.Newest().Status() == otp.Delivered {
		return x
	}
	for i, s := range slices.Backward(h.Sends[:max(0, len(h.Sends)-1)]) {
		if s.Status() != otp.Delivered {
			continue
		}
		at := last(h, func(l otp.Step) bool { return l.Send == i+1 && l.State == "delivered" })
		x.What += " An earlier message" + elsewhere(s) + " was delivered" + when(at) + "."
		if h.Status == otp.Pending {
			x.Next = "Ask the person to look for that one, its code may be good. " + x.Next
		}
		break
	}
	return x
}

// when is the time of a step, where the journal had room for it.
func when(s otp.Step) string {
	if s.At.IsZero() {
		return ""
	}
	return " at " + clock(s.At)
}

// elsewhere names another address that a send went to.
func elsewhere(s otp.SendRecord) string {
	if s.Masked == "" {
		return ""
	}
	return " (to " + s.Masked + ")"
}

func carrier(ch otp.Channel) string {
	if ch == otp.SMS {
		return "the carrier"
	}
	return "the mail server"
}

func messages(ch otp.Channel) string {
	if ch == otp.SMS {
		return "texts"
	}
	return "mail"
}

// lastStep is the last line about the verification itself with one of some states.
func lastStep(h otp.History, states ...string) otp.Step {
	return last(h, func(s otp.Step) bool { return s.Send == 0 && slices.Contains(states, s.State) })
}

// lastOf is the last line about the newest send with one of some states.
func lastOf(h otp.History, states ...string) otp.Step {
	return last(h, func(s otp.Step) bool { return s.Send == len(h.Sends) && slices.Contains(states, s.State) })
}

// lastAttempt is the last line about an attempt of the newest send with a state,
// or about that send: it knows less of why.
func lastAttempt(h otp.History, state string) otp.Step {
	of := last(h, func(s otp.Step) bool { return s.Send == len(h.Sends) && s.Attempt > 0 && s.State == state })
	if of.State == "" {
		return lastOf(h, state)
	}
	return of
}

func last(h otp.History, is func(otp.Step) bool) otp.Step {
	for _, s := range slices.Backward(h.Steps) {
		if is(s) {
			return s
		}
	}
	return otp.Step{}
}
