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

// The times after which silence means something.
const (
	slowQueue   = 10 * time.Second // a worker takes an order within milliseconds
	slowReceipt = 2 * time.Minute  // carriers confirm within half a minute, or hardly ever
)

// Explainer puts a verification's life into words.
type Explainer struct {
	// Words are what a vendor's code means, "" if it is no vendor's.
	Words func(code string) string
}

// Explain tells how a verification stands at a time.
func (e Explainer) Explain(h otp.History, now time.Time) Explanation {
	switch h.Status {
	case otp.Approved:
		return Explanation{
			"approved", "The right code was typed at " + clock(lastStep(h, "approved").At) + ".",
			"Nothing. If the person still cannot get in, the cause lies in the product.", Good,
		}
	case otp.Locked:
		return locked(h, now)
	case otp.Canceled:
		return canceled(h)
	case otp.Expired:
		return e.expired(h)
	}
	x := e.delivery(h, now)
	if wrong := h.Checks; wrong > 0 {
		x.What += fmt.Sprintf(" %s so far, of %d that are allowed.", count(wrong, "wrong code"), h.MaxChecks)
	}
	return x
}

func locked(h otp.History, now time.Time) Explanation {
	what := fmt.Sprintf("Locked after %s", count(h.Checks, "wrong code"))
	if !now.Before(h.LockedTill) {
		return Explanation{"was locked", what + "; the lock ended at " + clock(h.LockedTill) + ".", "Ask the person to request a new code.", Idle}
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
	return Explanation{"canceled", "Canceled by " + by + " at " + clock(lastStep(h, "canceled").At) + ".", "Ask the person to request a new code if they still need one.", Idle}
}

// expired is a code that nobody typed in time.
func (e Explainer) expired(h otp.History) Explanation {
	const again = "Ask the person to request a new code."
	s, at := h.Newest(), clock(h.ExpiresAt)
	typed := "No code was typed"
	if h.Checks > 0 {
		typed = count(h.Checks, "wrong code") + " and no right one " + was(h.Checks) + " typed"
	}
	switch s.Status() {
	case otp.Delivered:
		return Explanation{"expired", fmt.Sprintf("Delivered%s. %s before it expired at %s.", elsewhere(s), typed, at), again, Idle}
	case otp.Accepted, otp.Sent:
		return Explanation{"expired", fmt.Sprintf("Handed to %s%s. %s before it expired at %s.", carrier(s.Channel), elsewhere(s), typed, at), again, Idle}
	case otp.Queued, otp.Sending:
		return Explanation{"not sent", "It was still not sent when it expired at " + at + ".", "Tell an operator: the overview shows providers and workers. " + again, Bad}
	}
	x := e.settled(h, s)
	x.Next += " " + again
	return x
}

// delivery is how the newest send of a verification that is alive stands.
func (e Explainer) delivery(h otp.History, now time.Time) Explanation {
	s := h.Newest()
	switch s.Status() {
	case otp.Queued:
		return e.waiting(h, s, now)
	case otp.Sending:
		return Explanation{"being sent", fmt.Sprintf("Being handed to %s right now.", s.Provider()), "Wait a few seconds.", Wait}
	case otp.Accepted, otp.Sent, otp.Delivered:
		return arriving(h, s, now)
	}
	return e.settled(h, s)
}

// waiting is a send on which a worker is to work.
func (e Explainer) waiting(h otp.History, s otp.SendRecord, now time.Time) Explanation {
	last := newestStep(h)
	switch {
	case last.State == "waiting" && last.Attempt == 0:
		return Explanation{"held up", "Not sent yet: " + e.reason(last) + ". It is tried again while the code is valid.", "Tell an operator if this lasts; the overview shows the providers.", Bad}
	case len(s.Attempts) > 0:
		f := lastFault(h)
		return Explanation{"trying on", fmt.Sprintf("%s did not deliver it: %s. It goes on with the next provider or address.", f.Provider, e.reason(f)), "Wait half a minute.", Wait}
	}
	if wait := now.Sub(s.AskedAt); wait >= slowQueue {
		return Explanation{"waiting", "Waiting for a worker for " + span(wait) + ".", "Tell an operator: workers are stopped or far behind.", Bad}
	}
	return Explanation{"waiting", "Asked for a moment ago; a worker is about to send it.", "Wait a few seconds.", Wait}
}

// arriving is a send that somebody has taken.
func arriving(h otp.History, s otp.SendRecord, now time.Time) Explanation {
	at := newestStep(h).At
	if step := lastOf(h, string(s.Status())); !step.At.IsZero() {
		at = step.At
	}
	ago := now.Sub(at)
	valid := ""
	if left := h.ExpiresAt.Sub(now); left > 0 {
		valid = " The code is valid for another " + span(left) + "."
	}
	switch {
	case s.Status() == otp.Delivered:
		return Explanation{"delivered", fmt.Sprintf("Delivered%s %s ago.%s", elsewhere(s), span(ago), valid), "Ask the person to type the code of the newest message.", Good}
	case s.Channel == otp.Email && s.Status() == otp.Sent:
		return Explanation{"sent", fmt.Sprintf("Taken by the mail server%s %s ago.%s", elsewhere(s), span(ago), valid), "Ask the person to look for it, in the spam folder too.", Good}
	case ago < slowReceipt:
		return Explanation{"not confirmed", fmt.Sprintf("Handed to %s%s %s ago, not yet confirmed.%s", carrier(s.Channel), elsewhere(s), span(ago), valid), "Ask the person to wait two minutes.", Wait}
	}
	return Explanation{"never confirmed", fmt.Sprintf("Handed to %s%s %s ago and never confirmed.%s", carrier(s.Channel), elsewhere(s), span(ago), valid), "Ask whether the phone has signal and the number is right, then send again.", Bad}
}

// settled is a send on which nobody works any more.
func (e Explainer) settled(h otp.History, s otp.SendRecord) Explanation {
	f := lastFault(h)
	switch s.Status() {
	case otp.Undelivered:
		return Explanation{"not delivered", fmt.Sprintf("%s took it and could not deliver it: %s.", f.Provider, e.reason(f)), offer(s.Channel), Bad}
	case otp.Failed:
		return Explanation{"failed", e.failed(f), offer(s.Channel), Bad}
	case otp.Unknown:
		return Explanation{"unknown", "Nobody can say whether it arrived: " + e.unknown(f) + ".", "Ask the person whether a message came; if none did, send again.", Bad}
	case otp.SendSuppressed:
		return Explanation{
			"nothing sent", "Nothing was sent: this address takes no " + messages(s.Channel) + ", as a provider has told us before.",
			"If the person says it does, clear the suppression and send again. " + offer(s.Channel), Bad,
		}
	case otp.SendExpired:
		return Explanation{"failed", "Nobody took it before the code expired.", "Tell an operator: the overview shows providers and workers.", Bad}
	}
	return Explanation{Mood: Good}
}

func (e Explainer) failed(f otp.Step) string {
	if f.Provider == "" {
		return "It could not be sent: " + e.reason(f) + "."
	}
	return fmt.Sprintf("%s refused it: %s.", f.Provider, e.reason(f))
}

func (e Explainer) unknown(f otp.Step) string {
	if f.Reason == "" {
		return "no answer came when it was handed over"
	}
	return e.reason(f)
}

// offer is what helps when a channel does not.
func offer(ch otp.Channel) string {
	if ch == otp.SMS {
		return "Check the number with the person; if it is right, offer e-mail or another number."
	}
	return "Check the address with the person; if it is right, offer another address or a text."
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

// newestStep is the last line of a journal.
func newestStep(h otp.History) otp.Step {
	if len(h.Steps) == 0 {
		return otp.Step{}
	}
	return h.Steps[len(h.Steps)-1]
}

// lastStep is the last line about the verification itself with a state.
func lastStep(h otp.History, state string) otp.Step {
	return last(h, func(s otp.Step) bool { return s.Send == 0 && s.State == state })
}

// lastOf is the last line about the newest send with a state.
func lastOf(h otp.History, state string) otp.Step {
	return last(h, func(s otp.Step) bool { return s.Send == len(h.Sends) && s.State == state })
}

// lastFault is why the newest send did not get through.
func lastFault(h otp.History) otp.Step {
	bad := []string{"failed", "undelivered", "unknown"}
	of := last(h, func(s otp.Step) bool {
		return s.Send == len(h.Sends) && s.Attempt > 0 && slices.Contains(bad, s.State)
	})
	if of.State == "" {
		of = last(h, func(s otp.Step) bool { return s.Send == len(h.Sends) && slices.Contains(bad, s.State) })
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
