package support

import (
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Moment is one line of a time line as people read it.
type Moment struct {
	At     time.Time
	Send   int // 0: about the verification itself
	Title  string
	Detail string        // "" if the title says it all
	Ref    string        // the provider's own name for the message
	Code   string        // the short code that Detail puts into words
	Took   time.Duration // of a hand-over; 0 of anything else
	Mood   Mood
}

// Timeline is a verification's life. A hand-over and its outcome are one moment.
func (e Explainer) Timeline(h otp.History) (all []Moment) {
	begun := map[[2]int]int{} // where the moment of an attempt is
	checks := 0
	for _, s := range h.Steps {
		attempt := [2]int{s.Send, s.Attempt}
		i, open := begun[attempt]
		switch {
		case s.Attempt > 0 && s.State == "sending":
			begun[attempt] = len(all)
			all = append(all, Moment{At: s.At, Send: s.Send, Title: "Being handed to " + s.Provider, Mood: Wait})
		case s.Attempt > 0 && open:
			delete(begun, attempt)
			all[i] = e.handover(all[i].At, s)
		case s.Attempt > 0:
			all = append(all, e.receipt(s))
		case s.Send > 0:
			all = append(all, e.ofSend(h, s))
		default:
			if s.State == "check_failed" {
				checks++
			}
			all = append(all, e.ofVerification(h, s, checks))
		}
	}
	return all
}

// handover is an attempt with what came of it.
func (e Explainer) handover(at time.Time, s otp.Step) Moment {
	m := Moment{At: at, Send: s.Send, Ref: s.Ref, Code: s.Reason, Took: s.At.Sub(at)}
	switch s.State {
	case "accepted":
		m.Title, m.Mood = "Taken by "+s.Provider, Good
	case "sent":
		m.Title, m.Mood = "Taken by "+s.Provider+" and handed on", Good
	case "unknown":
		m.Title, m.Mood = "No answer from "+s.Provider, Bad
		m.Detail = "It may have been sent or not."
	default:
		m.Title, m.Mood = "Refused by "+s.Provider, Bad
	}
	if s.Reason != "" {
		m.Detail = sentence(e.reason(s))
	}
	return m
}

// receipt is what a provider reported later.
func (e Explainer) receipt(s otp.Step) Moment {
	m := Moment{At: s.At, Send: s.Send, Ref: s.Ref, Code: s.Reason}
	if s.Reason != "" {
		m.Detail = sentence(e.reason(s))
	}
	switch s.State {
	case "delivered":
		m.Title, m.Mood = "Delivered, says "+s.Provider, Good
	case "sent":
		m.Title, m.Mood = "Handed to the carrier, says "+s.Provider, Good
	case "undelivered", "failed":
		m.Title, m.Mood = "Not delivered, says "+s.Provider, Bad
	case "unknown":
		m.Title, m.Mood = s.Provider+" does not know", Bad
	default:
		m.Title, m.Mood = "Taken by "+s.Provider+", it says", Good
	}
	return m
}

// ofSend is a line about a send itself.
func (e Explainer) ofSend(h otp.History, s otp.Step) Moment {
	m := Moment{At: s.At, Send: s.Send, Mood: Idle}
	switch s.State {
	case "queued":
		return staged(h, s)
	case "waiting":
		m.Title, m.Detail, m.Code, m.Mood = "Held up", sentence(e.reason(s)), s.Reason, Bad
	case "fallback_refused":
		m.Title, m.Detail, m.Code = "Not sent to the other address", sentence(e.reason(s)), s.Reason
	case "superseded":
		m.Title = "Not sent: a later send, or the end of the verification, came first"
	case "suppressed":
		m.Title, m.Detail, m.Mood = "Not sent", "This address takes no such messages; see the suppression.", Bad
		if s.Reason == "decoy" {
			m.Detail, m.Mood = "The product asked for a decoy.", Wait
		}
	case "canceled":
		m.Title = "Not sent: canceled before"
	case "expired":
		m.Title, m.Mood = "Not sent: the code expired first", Bad
	case "unknown":
		m.Title, m.Mood = "Given up: nobody can say whether it arrived", Bad
	default:
		m.Title, m.Mood, m.Code = "Not delivered", Bad, s.Reason
		if s.Reason != "" {
			m.Detail = sentence(e.reason(s))
		}
	}
	return m
}

// staged is the beginning of a send, or of another try.
func staged(h otp.History, s otp.Step) Moment {
	m := Moment{At: s.At, Send: s.Send, Mood: Idle}
	switch {
	case s.Reason == "undelivered":
		m.Title = "Given to the next provider"
	case s.Reason == "fallback":
		m.Title = "Turned to another address"
		if s.Send <= len(h.Sends) {
			m.Title = fmt.Sprintf("Turned to %s, by %s", h.Sends[s.Send-1].Masked, channelName(h.Sends[s.Send-1].Channel))
		}
	case s.Send == 1:
		m.Title = "Asked for, by " + channelName(otp.Channel(s.Reason))
	default:
		m.Title = "Asked for again, by " + channelName(otp.Channel(s.Reason))
	}
	return m
}

// acts are what the staff do, as a time line has it; who did it follows.
var acts = map[string]string{
	"unlocked":     "Unlocked",
	"unsuppressed": "Suppression cleared",
	"sent_again":   "Sent again",
	"diverted":     "Sent to another address",
	"withdrawn":    "Canceled",
}

// ofVerification is a line about the verification itself; checks are the wrong
// codes so far.
func (e Explainer) ofVerification(h otp.History, s otp.Step, checks int) Moment {
	m := Moment{At: s.At, Mood: Idle}
	if did := acts[s.State]; did != "" {
		m.Title = did
		if s.Reason != "" {
			m.Title += " by " + s.Reason
		}
		return m
	}
	switch s.State {
	case "approved":
		m.Title, m.Mood = "The right code was typed", Good
	case "check_failed":
		m.Title, m.Mood = fmt.Sprintf("A wrong code was typed, %d of %d", checks, h.MaxChecks), Bad
	case "locked":
		m.Title, m.Mood = "Locked", Bad
		if !h.LockedTill.IsZero() {
			m.Title += " until " + clock(h.LockedTill)
		}
	case "expired":
		m.Title = "The code expired"
	case "canceled":
		m.Title = "Canceled"
	case "session_consumed":
		m.Title, m.Mood = "The product used the proof", Good
	case "suppressed":
		m.Title, m.Mood = "No more "+messages(otp.Channel(s.Reason))+" to this address for 30 days", Bad
		m.Detail = "The provider says that it cannot or does not want to be reached."
	default:
		m.Title = s.State
	}
	return m
}

func channelName(ch otp.Channel) string {
	if ch == otp.SMS {
		return "text message"
	}
	return "e-mail"
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	if c := s[0]; c >= 'a' && c <= 'z' {
		s = string(c-'a'+'A') + s[1:]
	}
	return s + "."
}
