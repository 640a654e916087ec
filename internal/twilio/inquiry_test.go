package twilio_test

import (
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/otp"
)

func TestTwilioSaysWhatBecameOfAMessageWhenItIsAsked(t *testing.T) {
	t.Parallel()
	for mode, want := range map[devkit.Mode]otp.Receipt{
		devkit.OK:          {State: otp.Delivered},
		devkit.Undelivered: {State: otp.Undelivered, Class: otp.FaultProvider, Reason: "twilio_30003"},
	} {
		w := newWorld(t)
		w.vendor.Chaos.Set("twilio", mode, 0)
		sent, err := w.provider.Send(t.Context(), message())
		if err != nil {
			t.Fatal(err)
		}
		w.vendor.Wait()
		got, err := w.provider.Inquire(t.Context(), sent.Ref)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", mode, got, err, want)
		}
	}
}

func TestTwilioIsNotAskedAfterAMessageItDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.provider.Inquire(t.Context(), "SM00000000000000000000000000000000")
	wantFault(t, err, otp.FaultUs, "twilio_20404")
}

func TestTwilioHearsOfAMessageThatWasOfUse(t *testing.T) {
	t.Parallel()
	for _, announced := range []bool{true, false} {
		w := newWorld(t)
		w.provider.Terms.ProvideFeedback = announced
		sent, err := w.provider.Send(t.Context(), message())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // also twice
			if err := w.provider.Confirm(t.Context(), sent.Ref); err != nil {
				t.Fatal(err)
			}
		}
		if w.vendor.Confirmed(sent.Ref) != announced {
			t.Errorf("announced %v, confirmed %v", announced, !announced)
		}
	}
}

func TestAnAccountThatIsShutIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status, code int
		rest         time.Duration
	}{
		{401, 20003, 5 * time.Minute},
		{401, 0, 5 * time.Minute},
		{403, 20005, 5 * time.Minute},
		{400, 30002, 5 * time.Minute},
		{401, 10001, 5 * time.Minute},
		{400, 21408, 0},
		{400, 21602, 0},
		{404, 20404, 0},
		{400, 21211, 0},
	} {
		_, err := answering(t, c.status, vendorError(c.status, c.code)).Send(t.Context(), message())
		if f := otp.AsFault("", err); f.RetryAfter != c.rest {
			t.Errorf("%d %d: left alone for %s, want %s", c.status, c.code, f.RetryAfter, c.rest)
		}
	}
}
