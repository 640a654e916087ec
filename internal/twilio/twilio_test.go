package twilio_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/twilio"
	"github.com/otpipe/otpipe/internal/twiliotest"
	"github.com/otpipe/otpipe/internal/vendorhttp"
)

const (
	account  = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	token    = "b1946ac92492d2347c6235b4d2611184"
	number   = "+4915112345678"
	text     = "482913 is your code."
	id       = otp.ID("VE07000000000000000000000000000001")
	accepted = `{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}`
)

func message() otp.Message {
	return otp.Message{
		Order: otp.Order{ID: id, Send: 1}, Attempt: 2,
		To:   otp.NewRecipient(otp.SMS, number, number, "+49•••••••78"),
		Text: text, Left: 299*time.Second + 900*time.Millisecond,
	}
}

func provider(t *testing.T, baseURL string) twilio.Provider {
	t.Helper()
	h := vendorhttp.NewClient(8)
	t.Cleanup(h.CloseIdleConnections)
	return twilio.Provider{
		AccountName: "twilio-eu", AccountSID: account, Username: account, Password: token,
		From: "+15005550006", BaseURL: baseURL, HTTP: h,
	}
}

// against is a provider whose vendor answers as h does.
func against(t *testing.T, h http.HandlerFunc) twilio.Provider {
	t.Helper()
	s := httptest.NewServer(twiliotest.Requests(t, h))
	t.Cleanup(s.Close)
	return provider(t, s.URL)
}

// answering is a provider whose vendor always says the same.
func answering(t *testing.T, status int, body string, headers ...string) twilio.Provider {
	t.Helper()
	return against(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func faultOf(t *testing.T, err error) *otp.Fault {
	t.Helper()
	f, ok := errors.AsType[*otp.Fault](err)
	if !ok {
		t.Fatalf("want a fault, have %v", err)
	}
	if f.Provider != "twilio-eu" {
		t.Errorf("fault of provider %q", f.Provider)
	}
	return f
}

func wantFault(t *testing.T, err error, class otp.Class, code string) *otp.Fault {
	t.Helper()
	f := faultOf(t, err)
	if f.Class != class || f.Code != code {
		t.Errorf("want %s fault %s, have %s (%v)", class, code, f, f.Err)
	}
	return f
}

func TestThePackageImportsOnlyTheSmallHalfOfTwilioAndTheNouns(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	allowed := map[string]bool{
		"github.com/otpipe/otpipe/internal/otp": true, "github.com/otpipe/otpipe/internal/twilio": true,
		"github.com/otpipe/otpipe/internal/vendorhttp": true, // which knows no vendor and has only the standard library
		"github.com/twilio/twilio-go/client":           true, "github.com/twilio/twilio-go/client/form": true,
		"github.com/twilio/twilio-go/client/metadata": true, "github.com/twilio/twilio-go/rest/api/v2010": true,
	}
	for dep := range strings.FieldsSeq(string(out)) {
		ours := strings.HasPrefix(dep, "github.com/otpipe/") || strings.HasPrefix(dep, "github.com/twilio/")
		if ours && !allowed[dep] {
			t.Errorf("imports %s", dep)
		}
	}
}
