package twilio_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

type judgement struct {
	class     otp.Class
	permanent bool
	codes     []int
}

var judgements = []judgement{
	{otp.FaultRecipient, true, []int{21211, 21214, 21217, 21265, 21421, 21610, 21614, 21635, 30004, 30005, 30006, 63003, 63024}},
	{otp.FaultRecipient, false, []int{30450, 30453}},
	{otp.FaultUs, false, []int{
		20001, 21602, 21605, 21609, 21617, 21619, 21620, 21621, 21622, 21623, 21654, 21655, 21656, 30019, 63016, 90007,
		10001, 20003, 20005, 20404, 21222, 21224, 21608, 30002,
		21212, 21408, 21603, 21606, 21612, 21659, 21660, 21661, 21703, 21704, 30007, 30032, 30034,
	}},
	{otp.FaultThrottled, false, []int{14107, 20429, 21611, 30001, 30022, 30023}},
	{otp.FaultProvider, false, []int{21730, 30003, 30008, 30036, 30410, 30500}},
}

// vendorError is an error as Twilio writes it: it quotes what it refuses.
func vendorError(status, code int) string {
	return fmt.Sprintf(`{"code":%d,"message":"Invalid %s %s","more_info":"https://www.twilio.com/docs/errors/%d","status":%d}`,
		code, number, text, code, status)
}

func TestEveryKnownCodeIsJudgedByTheTable(t *testing.T) {
	t.Parallel()
	for _, j := range judgements {
		for _, code := range j.codes {
			_, err := answering(t, 400, vendorError(400, code)).Send(t.Context(), message())
			f := wantFault(t, err, j.class, fmt.Sprintf("twilio_%d", code))
			if f.Permanent != j.permanent {
				t.Errorf("%d: permanent is %t", code, f.Permanent)
			}
		}
	}
}

func TestAnUnknownCodeIsJudgedByItsStatus(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]otp.Class{
		300: otp.FaultProvider, 301: otp.FaultProvider, 302: otp.FaultProvider, 307: otp.FaultProvider, 308: otp.FaultProvider,
		400: otp.FaultUs, 401: otp.FaultUs, 402: otp.FaultUs, 403: otp.FaultUs, 404: otp.FaultUs, 405: otp.FaultUs,
		406: otp.FaultUs, 409: otp.FaultUs, 413: otp.FaultUs, 415: otp.FaultUs, 422: otp.FaultUs,
		408: otp.FaultProvider, 429: otp.FaultThrottled, 499: otp.FaultUs,
		500: otp.FaultUnknown, 501: otp.FaultUnknown, 502: otp.FaultUnknown, 503: otp.FaultProvider, 504: otp.FaultUnknown, 599: otp.FaultUnknown,
	} {
		for body, code := range map[string]string{
			"":                               fmt.Sprintf("http_%d", status),
			"<html>Bad Gateway</html>":       fmt.Sprintf("http_%d", status),
			`{"code":7,"message":"?"}`:       fmt.Sprintf("http_%d", status),
			`{"code":29999,"message":"new"}`: "twilio_29999",
		} {
			_, err := answering(t, status, body).Send(t.Context(), message())
			if f := wantFault(t, err, class, code); f.Permanent {
				t.Errorf("%d is permanent", status)
			}
		}
	}
}

// A code may come with any of the statuses that leave it the word.
func TestACodeIsJudgedAlikeWithEveryOpenStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 402, 403, 404, 405, 409, 422} {
		_, err := answering(t, status, vendorError(status, 21610)).Send(t.Context(), message())
		if f := wantFault(t, err, otp.FaultRecipient, "twilio_21610"); !f.Permanent {
			t.Errorf("%d: an opt-out is not for ever", status)
		}
	}
}

func TestAStatusThatSaysEnoughOutranksTheCode(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]otp.Class{
		302: otp.FaultProvider, 408: otp.FaultProvider, 429: otp.FaultThrottled,
		500: otp.FaultUnknown, 502: otp.FaultUnknown, 503: otp.FaultProvider, 504: otp.FaultUnknown,
	} {
		_, err := answering(t, status, vendorError(status, 21610)).Send(t.Context(), message())
		if f := wantFault(t, err, class, "twilio_21610"); f.Permanent {
			t.Errorf("%d: a broken vendor makes the recipient unreachable", status)
		}
	}
}

// row finds the statuses and codes of the fault table in its source.
var row = regexp.MustCompile(`(?m)^\t(\d{3}|\d{5}): +[a-z]+,`)

func TestEveryRowOfTheFaultTableIsTested(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("faults.go")
	if err != nil {
		t.Fatal(err)
	}
	var table []int
	for _, m := range row.FindAllSubmatch(source, -1) {
		n, _ := strconv.Atoi(string(m[1]))
		table = append(table, n)
	}
	tested := []int{400, 401, 403, 404, 405, 408, 422, 429, 500, 502, 503, 504}
	for _, j := range judgements {
		tested = append(tested, j.codes...)
	}
	slices.Sort(table)
	slices.Sort(tested)
	if diff := cmp.Diff(tested, table); diff != "" {
		t.Error(diff)
	}
}

func TestAThrottledFaultKeepsRetryAfter(t *testing.T) {
	t.Parallel()
	date := "Sat, 22 Nov 2025 10:00:00 GMT"
	for value, want := range map[string]time.Duration{
		"7":                             7 * time.Second,
		"Sat, 22 Nov 2025 10:00:30 GMT": 30 * time.Second,
		"Sat, 22 Nov 2025 09:00:00 GMT": 0,
		"-5":                            0,
		"soon":                          0,
		"":                              0,
		"99999999999999":                time.Hour,
		"99999999999999999999999999":    0,
	} {
		p := answering(t, http.StatusTooManyRequests, vendorError(429, 20429), "Retry-After", value, "Date", date)
		_, err := p.Send(t.Context(), message())
		if f := wantFault(t, err, otp.FaultThrottled, "twilio_20429"); f.RetryAfter != want {
			t.Errorf("%q: want %s, have %s", value, want, f.RetryAfter)
		}
	}
	_, err := answering(t, 503, "", "Retry-After", "7").Send(t.Context(), message())
	if f := wantFault(t, err, otp.FaultProvider, "http_503"); f.RetryAfter != 0 {
		t.Error("a fault that is not throttled asks to be left alone")
	}
}
