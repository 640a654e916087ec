package twilio_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/twilio"
	"github.com/otpipe/otpipe/internal/twiliotest"
)

// world is a provider, the Twilio it talks to, and what Twilio reports back.
type world struct {
	provider twilio.Provider
	vendor   *devkit.Twilio
	mu       sync.Mutex
	reports  []otp.State
	last     otp.Receipt
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	receiver := httptest.NewServer(w)
	t.Cleanup(receiver.Close)
	w.vendor = &devkit.Twilio{
		AccountSID: account, AuthToken: token, Inbox: &devkit.Inbox{}, Chaos: &devkit.Chaos{},
		HTTP: receiver.Client(), SlowFor: 50 * time.Millisecond,
	}
	api := httptest.NewServer(twiliotest.Requests(t, twiliotest.Answers(t, w.vendor)))
	t.Cleanup(api.Close)
	t.Cleanup(w.vendor.Close) // first
	w.provider = provider(t, api.URL)
	w.provider.CallbackURL = receiver.URL + path
	return w
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	rc := receipts()
	rc.PublicURL = "http://" + r.Host
	got, err := rc.Parse(r)
	if err != nil {
		rw.WriteHeader(http.StatusForbidden)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports, w.last = append(w.reports, got.State), got
	rw.WriteHeader(http.StatusNoContent)
}

func TestAMessageArrivesAndIsReported(t *testing.T) {
	t.Parallel()
	for _, mode := range []devkit.Mode{devkit.OK, devkit.Slow} {
		w := newWorld(t)
		_ = w.vendor.Chaos.Set("twilio", mode, 1)
		a, err := w.provider.Send(t.Context(), message())
		if err != nil {
			t.Fatal(err)
		}
		w.vendor.Wait()
		if got := w.vendor.Inbox.Messages(number); len(got) != 1 || got[0].Body != text || got[0].Code != "482913" {
			t.Errorf("%s: the handset shows %v", mode, got)
		}
		want := otp.Receipt{Order: otp.Order{ID: id, Send: 1}, Attempt: 2, Provider: "twilio-eu", Ref: a.Ref, State: otp.Delivered}
		if diff := cmp.Diff(want, w.last); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]otp.State{otp.Sent, otp.Delivered}, w.reports); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAMessageThatIsGivenUpIsReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_ = w.vendor.Chaos.Set("twilio", devkit.Undelivered, 1)
	a, err := w.provider.Send(t.Context(), message())
	if err != nil {
		t.Fatal(err)
	}
	w.vendor.Wait()
	want := otp.Receipt{
		Order: otp.Order{ID: id, Send: 1}, Attempt: 2, Provider: "twilio-eu", Ref: a.Ref,
		State: otp.Undelivered, Reason: "twilio_30003", Class: otp.FaultProvider,
	}
	if diff := cmp.Diff(want, w.last); diff != "" {
		t.Error(diff)
	}
}

func TestAVendorInTroubleIsClassified(t *testing.T) {
	t.Parallel()
	for mode, want := range map[devkit.Mode]struct {
		class otp.Class
		code  string
	}{
		devkit.Refuse: {otp.FaultProvider, "twilio_20503"},
		devkit.Reset:  {otp.FaultUnknown, "connection"},
		devkit.Hang:   {otp.FaultUnknown, "timeout"},
	} {
		w := newWorld(t)
		_ = w.vendor.Chaos.Set("twilio", mode, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := w.provider.Send(ctx, message())
		cancel()
		wantFault(t, err, want.class, want.code)
		w.vendor.Wait()
		if len(w.reports) != 0 || len(w.vendor.Inbox.Messages("")) != 0 {
			t.Errorf("%s: the message was taken", mode)
		}
		if _, err := w.provider.Send(t.Context(), message()); err != nil {
			t.Errorf("%s: and after it %v", mode, err)
		}
	}
}

func TestAnAPIKeyOpensTheAccountAndTheAuthTokenStillSigns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.vendor.KeySID, w.vendor.KeySecret = "SKcccccccccccccccccccccccccccccccc", "KeySecret0123456789"
	w.provider.Username, w.provider.Password = w.vendor.KeySID, w.vendor.KeySecret
	if _, err := w.provider.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	w.vendor.Wait()
	if diff := cmp.Diff([]otp.State{otp.Sent, otp.Delivered}, w.reports); diff != "" {
		t.Error(diff)
	}
	w.provider.Password = token
	_, err := w.provider.Send(t.Context(), message())
	wantFault(t, err, otp.FaultUs, "twilio_20003")
}

func TestTheVendorTakesEveryTermAndEitherSender(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, terms := range []twilio.Terms{
		{RiskCheck: "enable", ContentRetention: "discard", AddressRetention: "obfuscate", ProvideFeedback: true},
		{RiskCheck: "disable", ContentRetention: "retain", AddressRetention: "retain"},
	} {
		p := w.provider
		p.Terms = terms
		if _, err := p.Send(t.Context(), message()); err != nil {
			t.Errorf("%+v: %v", terms, err)
		}
		p.From, p.MessagingServiceSID = "", "MGbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		if a, err := p.Send(t.Context(), message()); err != nil || a.State != otp.Accepted {
			t.Errorf("%+v by a service: %v", terms, err)
		}
	}
}

func TestAWrongPasswordIsOurFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.provider.Password = "odd characters: ü!"
	_, err := w.provider.Send(t.Context(), message())
	wantFault(t, err, otp.FaultUs, "twilio_20003")
}
