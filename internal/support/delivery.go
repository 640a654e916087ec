package support

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// The times after which silence means something.
const (
	slowQueue    = 10 * time.Second // a worker takes an order within milliseconds
	slowHandOver = 15 * time.Second // it must have ended by then
	slowSend     = 30 * time.Second // the providers of a route have been asked several times by then
	slowReceipt  = 2 * time.Minute  // carriers confirm within half a minute, or hardly ever
)

// delivery is how the newest send of a verification that is alive stands.
func (e Explainer) delivery(h otp.History, now time.Time) Explanation {
	s := h.Newest()
	switch status := s.Status(); {
	case status == otp.Queued, status == otp.Unknown && s.State == otp.Queued:
		return e.waiting(h, s, now)
	case status == otp.Sending:
		return handing(h, s, now)
	case status == otp.Accepted, status == otp.Sent, status == otp.Delivered:
		return arriving(h, s, now)
	}
	return e.settled(h, s)
}

// waiting is a send on which a worker is to work.
func (e Explainer) waiting(h otp.History, s otp.SendRecord, now time.Time) Explanation {
	switch newest := lastOf(h, "waiting", "failed", "undelivered", "unknown"); {
	case newest.State == "waiting":
		return e.heldUp(newest)
	case newest.State == "unknown":
		return Explanation{"trying on", "Nobody knows whether " + newest.Provider + " has the message. It is tried once more, elsewhere if possible, with the same code.", "Wait half a minute.", Wait}
	case newest.State != "":
		return e.tryingOn(s, newest, now)
	}
	if wait := now.Sub(s.AskedAt); wait >= slowQueue {
		return Explanation{"waiting", "Waiting for a worker for " + span(wait) + ".", "Tell an operator: workers are stopped or far behind.", Bad}
	}
	return Explanation{"waiting", "Asked for a moment ago; a worker is about to send it.", "Wait a few seconds.", Wait}
}

// heldUp is a send that nobody may be given now.
func (e Explainer) heldUp(why otp.Step) Explanation {
	next := "Tell an operator: this does not mend itself. Offer another way meanwhile."
	if why.Reason == "no_provider_open" {
		next = "Tell an operator if this lasts; the overview shows the providers."
	}
	return Explanation{"held up", "Not sent yet: " + e.reason(why) + ". It is tried again while the code is valid.", next, Bad}
}

// tryingOn is a send that one provider at least did not deliver.
func (e Explainer) tryingOn(s otp.SendRecord, fault otp.Step, now time.Time) Explanation {
	what := fmt.Sprintf("%s did not deliver it: %s.", fault.Provider, e.reason(fault))
	if e.blame(fault) == otp.FaultRecipient {
		return Explanation{"trying on", what + " It goes to the other address that the product named.", "Wait half a minute.", Wait}
	}
	what += " It is tried again, elsewhere if possible."
	wait := now.Sub(s.AskedAt)
	if wait < slowSend {
		return Explanation{"trying on", what, "Wait half a minute.", Wait}
	}
	what = fmt.Sprintf("Tried %s in %s. %s", times(len(s.Attempts)), span(wait), what)
	return Explanation{"trying on", what, "Tell an operator: the overview shows the providers. Offer another way meanwhile.", Bad}
}

// handing is a send that is on its way to a provider.
func handing(h otp.History, s otp.SendRecord, now time.Time) Explanation {
	began := lastOf(h, "sending").At
	took := now.Sub(began)
	if began.IsZero() || took < slowHandOver {
		return Explanation{"being sent", fmt.Sprintf("Being handed to %s right now.", s.Provider()), "Wait a few seconds.", Wait}
	}
	return Explanation{
		"interrupted", fmt.Sprintf("The worker that was handing it to %s has not been heard of for %s.", s.Provider(), span(took)),
		"Another worker takes it over by itself. Tell an operator if this lasts.", Bad,
	}
}

// arriving is a send that somebody has taken.
func arriving(h otp.History, s otp.SendRecord, now time.Time) Explanation {
	at := lastOf(h, string(s.Status())).At
	if at.IsZero() {
		at = s.AskedAt
	}
	ago, left := now.Sub(at), h.ExpiresAt.Sub(now)
	valid := " The code is valid for another " + span(left) + "."
	switch {
	case s.Status() == otp.Delivered:
		return Explanation{"delivered", fmt.Sprintf("Delivered%s %s ago.%s", elsewhere(s), span(ago), valid), "Ask the person to type the code of the newest message.", Good}
	case s.Channel == otp.Email && s.Status() == otp.Sent:
		return Explanation{"sent", fmt.Sprintf("Taken by the mail server%s %s ago.%s", elsewhere(s), span(ago), valid), "Ask the person to look for it, in the spam folder too.", Good}
	case ago < slowReceipt:
		return Explanation{"not confirmed", fmt.Sprintf("%s%s %s ago, not yet confirmed.%s", taken(h, s), elsewhere(s), span(ago), valid), patience(slowReceipt-ago, left), Wait}
	}
	return Explanation{"never confirmed", fmt.Sprintf("%s%s %s ago and never confirmed.%s", taken(h, s), elsewhere(s), span(ago), valid), look(s.Channel) + ", then " + again(h) + ".", Bad}
}

// taken says who has the message.
func taken(h otp.History, s otp.SendRecord) string {
	if s.Status() == otp.Sent {
		return "Handed to " + carrier(s.Channel)
	}
	// The journal tells of an answer that came late, too.
	return "Taken by " + cmp.Or(lastOf(h, "accepted", "sent").Provider, s.Provider())
}

// patience is how long it makes sense to wait for a message.
func patience(wait, left time.Duration) string {
	if left < wait {
		return "Ask the person to wait, and to request a new code if none has come when this one runs out."
	}
	return "Ask the person to wait two minutes."
}

// settled is a send on which nobody works any more.
func (e Explainer) settled(h otp.History, s otp.SendRecord) Explanation {
	x := e.end(h, s)
	if r := lastOf(h, "fallback_refused"); r.State != "" {
		x.What += " It did not go to another address: " + e.reason(r) + "."
	}
	return x
}

func (e Explainer) end(h otp.History, s otp.SendRecord) Explanation {
	switch s.Status() {
	case otp.Undelivered:
		f := lastAttempt(h, "undelivered")
		return Explanation{"not delivered", fmt.Sprintf("%s took it and could not deliver it: %s.", f.Provider, e.reason(f)), e.cure(h, s, f), Bad}
	case otp.Failed:
		f := lastOf(h, "failed")
		return Explanation{"failed", e.failed(f), e.cure(h, s, f), Bad}
	case otp.Unknown:
		return Explanation{"unknown", "Nobody can say whether it arrived: " + e.unknown(lastAttempt(h, "unknown")) + ".", "Ask the person whether a message came; if none did, " + again(h) + ".", Bad}
	case otp.SendSuppressed:
		return suppressed(h, s)
	case otp.SendExpired:
		return Explanation{"failed", "Nobody took it before the code ran out.", "Tell an operator: the overview shows providers and workers. " + requestNew, Bad}
	}
	return Explanation{Mood: Good}
}

// suppressed is a send to a recipient whom nothing is sent to.
func suppressed(h otp.History, s otp.SendRecord) Explanation {
	if decoy(h) {
		return Explanation{"nothing sent", "Nothing was sent: the product asked for a decoy, as it does where it knows no account for this address.", "Say nothing about accounts to whoever asks. If the person has one, the product knows them by another address.", Wait}
	}
	what := "Nothing was sent: this address takes no " + messages(s.Channel) + ", as a provider has told us before."
	if lifted(h) {
		return Explanation{"nothing sent", what + liftedSince, sentence(again(h)), Bad}
	}
	return Explanation{"nothing sent", what, "If the person says it does, clear the suppression and " + again(h) + ". " + offer(s.Channel), Bad}
}

// decoy tells whether the newest send was one.
func decoy(h otp.History) bool {
	return slices.ContainsFunc(h.Steps, func(s otp.Step) bool {
		return s.Send == len(h.Sends) && s.State == string(otp.SendSuppressed) && s.Reason == "decoy"
	})
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
