package webhook_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/webhook"
)

func TestEveryFaultHasPlainWords(t *testing.T) {
	t.Parallel()
	reasons := []string{"request", "timeout", "connection", "canceled", "webhook_undelivered", "webhook_failed"}
	for status := 300; status < 600; status++ {
		reasons = append(reasons, fmt.Sprintf("http_%d", status))
	}
	for _, reason := range reasons {
		text := webhook.Words(reason)
		if text == "" || len(text) > 90 || !unicode.IsUpper(rune(text[0])) || strings.ContainsAny(text, "0123456789_.:;") {
			t.Errorf("%s: %q", reason, text)
		}
		for _, jargon := range []string{"HTTP", "URL", "webhook", "timeout", "gateway"} {
			if strings.Contains(text, jargon) {
				t.Errorf("%s: jargon: %q", reason, text)
			}
		}
	}
}

func TestWhatAProviderAnswersHasWordsOfItsOwn(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusTooManyRequests:     "The provider is getting too many messages from us at once",
		http.StatusUnprocessableEntity: "The provider understood the message and refused it",
		http.StatusTeapot:              "The provider did not accept the way we asked",
		http.StatusInternalServerError: "Something broke at the provider",
	} {
		if got := webhook.Words(fmt.Sprintf("http_%d", status)); got != want {
			t.Errorf("%d: %q", status, got)
		}
	}
}

func TestThereAreNoWordsForWhatTheOtherSideMakesUp(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"", "number_ported", "http_", "http_200", "http_999", "http_-4", "http_4x"} {
		if got := webhook.Words(reason); got != "" {
			t.Errorf("%q: %q", reason, got)
		}
	}
}

func TestAStatusSaysAtWhoseDoorTheFaultLies(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]otp.Class{
		"http_401": otp.FaultUs, "http_404": otp.FaultUs, "http_302": otp.FaultUs, "request": otp.FaultUs,
		"http_503": otp.FaultProvider, "timeout": otp.FaultProvider, "connection": otp.FaultProvider, "webhook_failed": otp.FaultProvider,
		"http_429": otp.FaultThrottled, "http_500": otp.FaultUnknown,
		"http_422": "", "number_ported": "", "": "",
	} {
		if got := webhook.Blame(reason); got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
}
