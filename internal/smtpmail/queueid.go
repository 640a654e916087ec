package smtpmail

import (
	"regexp"
	"strings"
)

// queueForms are the ways in which relays name the message they took: Postfix
// and most services, Exim, and those that put it after OK (Amazon SES, Gmail).
var queueForms = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\bqueued as ([a-z0-9._-]{1,64})(?:[\s,;)]|$)`),
	regexp.MustCompile(`(?i)\bid=([a-z0-9._-]{1,64})(?:[\s,;)]|$)`),
	regexp.MustCompile(`(?i)^(?:2\.\d\.\d )?ok +([a-z0-9._-]*[0-9][a-z0-9._-]*)(?:\s|$)`),
}

// queueID finds the relay's own name for a message in its answer; "" if it gives
// none, or none that is short and plain enough to be shown.
func queueID(answer string) string {
	for _, form := range queueForms {
		if found := form.FindStringSubmatch(answer); found != nil && len(found[1]) <= 64 {
			return strings.TrimRight(found[1], ".")
		}
	}
	return ""
}
