package twilio_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/twilio"
)

// plain tells what is wrong with words for somebody who knows no carrier.
func plain(text string) string {
	switch {
	case text == "":
		return "no words"
	case len(text) > 90:
		return "too long"
	case !unicode.IsUpper(rune(text[0])):
		return "no capital at its beginning"
	case strings.ContainsAny(text, "0123456789_.:;"):
		return "a code, or more than a sentence"
	}
	for _, jargon := range []string{"Twilio", "SMS", "MMS", "HTTP", "10DLC", "A2P", "'From'", "'To'", "handset", "endpoint", "throttl"} {
		if strings.Contains(text, jargon) {
			return "jargon: " + jargon
		}
	}
	return ""
}

func TestEveryFaultHasPlainWords(t *testing.T) {
	t.Parallel()
	var reasons []string
	for _, j := range judgements {
		for _, code := range j.codes {
			reasons = append(reasons, fmt.Sprintf("twilio_%d", code))
		}
	}
	for _, code := range strings.Fields("21210 21601 21604 21607 21705 30009 30010 30011 30012 30024 30027 30033 30035 30454 63038") {
		reasons = append(reasons, "twilio_"+code)
	}
	for _, status := range []int{300, 308, 400, 401, 402, 403, 404, 405, 408, 422, 429, 499, 500, 502, 503, 504, 599} {
		reasons = append(reasons, fmt.Sprintf("http_%d", status))
	}
	for _, status := range []string{"undelivered", "partially_delivered", "failed", "canceled"} {
		reasons = append(reasons, "twilio_"+status)
	}
	for _, reason := range append(reasons, "request", "timeout", "connection", "canceled", "unreadable") {
		if wrong := plain(twilio.Words(reason)); wrong != "" {
			t.Errorf("%s: %s: %q", reason, wrong, twilio.Words(reason))
		}
	}
}

// literal finds the codes that the package makes up itself.
var literal = regexp.MustCompile(`(?:Code: |f\.Code = otp\.FaultUnknown, |f\.Class, f\.Code = otp\.\w+, )"(\w+)"`)

func TestNoCodeOfThePackageIsWithoutWords(t *testing.T) {
	t.Parallel()
	found := literal.FindAllSubmatch(read(t, "faults.go"), -1)
	if len(found) != 2 {
		t.Errorf("found %q", found)
	}
	for _, m := range found {
		if twilio.Words(string(m[1])) == "" {
			t.Errorf("%s has none", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\t"(\w+)": +otp\.(Undelivered|Failed),`).FindAllSubmatch(read(t, "states.go"), -1) {
		if twilio.Words("twilio_"+string(m[1])) == "" {
			t.Errorf("a message that ends as %s has none", m[1])
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestThereAreNoWordsForWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"", "twilio_", "twilio_99999", "twilio_21211x", "21211", "twilio_http_500", "http_", "http_x", "http_200", "smtp_550"} {
		if got := twilio.Words(reason); got != "" {
			t.Errorf("%q: %q", reason, got)
		}
	}
}

func TestACodeSaysAtWhoseDoorTheFaultLies(t *testing.T) {
	t.Parallel()
	for _, j := range judgements {
		for _, code := range j.codes {
			if got := twilio.Blame(fmt.Sprintf("twilio_%d", code)); got != j.class {
				t.Errorf("%d: %s, want %s", code, got, j.class)
			}
		}
	}
	for reason, want := range map[string]otp.Class{
		"twilio_undelivered": otp.FaultProvider, "twilio_failed": otp.FaultProvider,
		"twilio_29999": "", "http_500": "", "smtp_550": "", "": "",
	} {
		if got := twilio.Blame(reason); got != want {
			t.Errorf("%s: %q", reason, got)
		}
	}
}
