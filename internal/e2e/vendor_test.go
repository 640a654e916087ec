package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/devkit"
)

// TestAVendorThatRefusesIsAskedAgainWhileTheCodeLives also says what the journal
// then tells.
func TestAVendorThatRefusesIsAskedAgainWhileTheCodeLives(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		vendor, to, reason string
		mode               devkit.Mode
		times              int
		status             string // at the end
		attempts           int    // at least
		unknown            int
		messages           int
	}{
		{"twilio", "+4915123456701", "twilio_20503", devkit.Refuse, 0, "failed", 3, 0, 0},
		{"smtp", "one@mail.example", "smtp_451_4.3.0", devkit.Refuse, 0, "failed", 3, 0, 0},
		{"twilio", "+4915123456702", "twilio_20503", devkit.Refuse, 3, "accepted", 4, 0, 1},
		{"smtp", "two@mail.example", "smtp_451_4.3.0", devkit.Refuse, 3, "sent", 4, 0, 1},
		{"twilio", "+4915123456703", "connection", devkit.Reset, 1, "accepted", 2, 1, 1},
		{"smtp", "three@mail.example", "smtp_connection", devkit.Reset, 1, "sent", 2, 1, 1},
		{"twilio", "+4915123456704", "connection", devkit.Reset, 0, "unknown", 2, 2, 0}, // two are enough
		{"smtp", "four@mail.example", "smtp_connection", devkit.Reset, 0, "unknown", 2, 2, 0},
		{"twilio", "+4915123456705", "timeout", devkit.Hang, 1, "accepted", 2, 1, 1},
		{"smtp", "five@mail.example", "smtp_timeout", devkit.Hang, 1, "sent", 2, 1, 1},
	} {
		t.Run(fmt.Sprintf("%s %s %d times", c.vendor, c.mode, c.times), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := r.startAPI(settings{})
			r.startWorker(settings{})
			r.chaos(c.vendor, c.mode, c.times)
			v := a.start(t, "brief", c.to)
			var got told
			eventually(t, 25*time.Second, "delivery ends as "+c.status, func() bool {
				got = a.get(t, v.ID)
				last := got.Timeline[len(got.Timeline)-1]
				return got.Delivery.Status == c.status && (last.Attempt == 0) == (c.messages == 0) // how the send ended
			})
			if got.Status == "pending" && time.Until(got.Expires) < 0 || got.Status == "expired" {
				t.Errorf("known only after the code's end: %s", got.Status)
			}
			if n := got.count("sending"); n < c.attempts || c.unknown > 0 && n != c.attempts {
				t.Errorf("%d attempts, want %d", n, c.attempts)
			}
			if n := got.count("unknown"); n != c.unknown {
				t.Errorf("%d unknown attempts, want %d", n, c.unknown)
			}
			if n := len(r.inbox(c.to)); n != c.messages {
				t.Errorf("%d messages, want %d", n, c.messages)
			}
			told := false
			for _, s := range got.Timeline {
				told = told || s.Reason == c.reason
			}
			if !told {
				t.Errorf("the journal does not say %s: %+v", c.reason, got.Timeline)
			}
			if last := got.Timeline[len(got.Timeline)-1]; c.status == "failed" && last.Reason != c.reason {
				t.Errorf("the last line is %+v", last)
			}
			r.nothingLeft()
			again := a.ask("brief", c.to)
			if want := map[bool]int{true: http.StatusAccepted, false: http.StatusTooManyRequests}[c.status == "failed"]; again.status != want {
				t.Errorf("asked again: %v, want %d: only what nobody took gives the cooldown back", again, want)
			}
		})
	}
}

// TestTheTermsOfAnAccountReachTheVendor follows them from the file to the wire.
func TestTheTermsOfAnAccountReachTheVendor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	forms := make(chan url.Values, 1)
	r.onRequest(func(form url.Values) { forms <- form })
	a := r.startAPI(settings{})
	r.startWorker(settings{})
	a.start(t, "brief", "+4915123456706")
	select {
	case form := <-forms:
		for name, want := range map[string]string{
			"RiskCheck": "enable", "ContentRetention": "discard", "AddressRetention": "obfuscate", "ProvideFeedback": "true",
		} {
			if got := form.Get(name); got != want {
				t.Errorf("%s: want %s, have %q", name, want, got)
			}
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no message reached the vendor")
	}
}

// TestAHandOverThatHangsHoldsUpNobodyElse lets one message of each vendor hang:
// all others arrive at once, those two when their hand-over has been given up.
func TestAHandOverThatHangsHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{})
	r.startWorker(settings{})
	r.chaos("twilio", devkit.Hang, 1)
	r.chaos("smtp", devkit.Hang, 1)
	crowd := r.crowd(42)
	waiting := func() (to []string) {
		for _, one := range crowd {
			if len(r.inbox(one)) == 0 {
				to = append(to, one)
			}
		}
		return to
	}
	all(crowd, func(to string) { a.start(t, "load", to) })
	began := time.Now()
	eventually(t, deliver.HandOver-time.Second, "40 of 42 have arrived", func() bool { return len(waiting()) <= 2 })
	t.Logf("40 arrived within %s", time.Since(began).Round(time.Millisecond))
	hung := waiting()
	if len(hung) != 2 || strings.Contains(hung[0], "@") == strings.Contains(hung[1], "@") {
		t.Fatalf("want one of each vendor to hang: %v", hung)
	}
	r.arrived(30*time.Second, hung...)
	t.Logf("the two that hung arrived within %s", time.Since(began).Round(time.Millisecond))
	for _, to := range crowd {
		if n := len(r.inbox(to)); n != 1 {
			t.Errorf("%s has %d messages", to, n)
		}
	}
}
