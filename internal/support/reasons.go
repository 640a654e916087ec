package support

import (
	"cmp"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

// holdups are the short codes of our own that say why a send waits, ended, or did
// not go to another address. They follow a colon.
var holdups = map[string]string{
	"no_route":                "no provider is configured for this address",
	"no_provider_open":        "every provider is drained, paused, busy or failing",
	"route_spent":             "every provider has taken it and given it up",
	"template":                "its message could not be written",
	"sealed_with_unknown_key": "it was sealed with a key that the workers do not have",

	"lock":       "that address is locked",
	"cooldown":   "that address got a code a moment ago",
	"daily":      "that address has had all of its codes for today",
	"sends":      "this verification has had all of its sends",
	"suppressed": "that address takes no messages",
}

// silences are those of our own that say how an attempt ended.
var silences = map[string]string{
	"no_receipt":   "the provider never said what became of it",
	"unclassified": "something failed that nobody has thought of",
}

// reason puts a step's short code into words. Those of an attempt are the
// vendor's, and what one makes up may look like one of ours.
func (e Explainer) reason(s otp.Step) string {
	switch {
	case s.Reason == "" && s.Provider == "":
		return "nobody has written down why"
	case s.Reason == "":
		return "it gave no reason"
	case s.Provider == "":
		return cmp.Or(holdups[s.Reason], e.vendors(s.Reason))
	}
	return cmp.Or(silences[s.Reason], e.vendors(s.Reason))
}

// vendors is a vendor's code in words.
func (e Explainer) vendors(code string) string {
	text := e.Words(code)
	if text == "" {
		return "it said " + code
	}
	return strings.ToLower(text[:1]) + text[1:]
}
