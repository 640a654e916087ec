package otp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestALimitErrorSaysWhichAndWhenAndNotWhose(t *testing.T) {
	t.Parallel()
	err := &otp.LimitError{Limit: otp.LimitDaily, RetryAfter: 90 * time.Second, ID: otp.NewID(7), ExpiresAt: time.Now()}
	if got := err.Error(); got != "daily limit, retry in 1m30s" {
		t.Fatal(got)
	}
}

func TestAnInputErrorNamesTheFieldAndIsOfItsKind(t *testing.T) {
	t.Parallel()
	var err error = &otp.InputError{Field: "to", Detail: "not an address", Err: fmt.Errorf("%w: %s", otp.ErrInvalidRecipient, number)}
	if got := err.Error(); got != "to: not an address" {
		t.Fatal(got)
	}
	if !errors.Is(err, otp.ErrInvalidRecipient) {
		t.Fatal("its kind is lost")
	}
}

func TestAnotherProviderMayDoBetterWhereTheFaultIsNotTheRecipientsAndTheAnswerCame(t *testing.T) {
	t.Parallel()
	for class, want := range map[otp.Class]bool{
		otp.FaultProvider: true, otp.FaultThrottled: true, otp.FaultUs: true,
		otp.FaultRecipient: false, otp.FaultUnknown: false, "": false,
	} {
		if class.Another() != want {
			t.Errorf("%q: %v", class, class.Another())
		}
	}
}

func TestAFaultIsFoundThroughItsWrappings(t *testing.T) {
	t.Parallel()
	f := &otp.Fault{Class: otp.FaultRecipient, Provider: "twilio-eu", Code: "twilio_21211", Err: errors.New(number)}
	if got := otp.AsFault("other", fmt.Errorf("send: %w", f)); got != f {
		t.Fatalf("%v", got)
	}
	if got := f.Error(); got != "twilio-eu: recipient fault twilio_21211" {
		t.Fatal(got)
	}
}

func TestWhatNobodyClassifiedIsUnknown(t *testing.T) {
	t.Parallel()
	words := errors.New("cannot text " + number)
	f := otp.AsFault("twilio-eu", words)
	if f.Class != otp.FaultUnknown || f.Provider != "twilio-eu" || f.Code != "unclassified" || !errors.Is(f, words) {
		t.Fatalf("%+v", f)
	}
	if strings.Contains(f.Error(), number) {
		t.Fatal("it quotes the vendor")
	}
}
