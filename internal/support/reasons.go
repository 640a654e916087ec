package support

import "strings"

// reasons are the short codes of our own that stand in journals, in words; the
// vendors' are for their packages.
var reasons = map[string]string{
	"no_route":                "no provider is configured for this address",
	"no_provider_open":        "every provider is drained, paused or failing",
	"template":                "its message could not be written",
	"sealed_with_unknown_key": "it was sealed with a key that the workers no longer have",
	"no_receipt":              "the provider never said what became of it",
	"expired":                 "the code expired first",
	"interrupted":             "the worker was stopped in the middle",

	"lock":       "that address is locked",
	"cooldown":   "that address got a code a moment ago",
	"daily":      "that address has had all of its codes for today",
	"sends":      "this verification has had all of its sends",
	"suppressed": "that address takes no messages",
}

// reason is a short code in words.
func (e Explainer) reason(code string) string {
	if text := reasons[code]; text != "" {
		return text
	}
	if text := e.Words(code); text != "" {
		return strings.TrimSuffix(text, ".")
	}
	if code == "" {
		return "it gave no reason"
	}
	return "it said " + code
}
