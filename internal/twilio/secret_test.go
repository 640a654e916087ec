package twilio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/twilio"
)

func wantNoSecret(t *testing.T, what, printed string) {
	t.Helper()
	for _, secret := range []string{token, number, number[1:], "482913", text} {
		if strings.Contains(printed, secret) {
			t.Errorf("%s tells %q: %s", what, secret, printed)
		}
	}
}

// faults are errors of all kinds, from a vendor that says all it knows.
func faults(t *testing.T) []error {
	t.Helper()
	var all []error
	fail := func(p twilio.Provider, left time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		defer cancel()
		_, err := p.Send(ctx, message())
		all = append(all, faultOf(t, err))
	}
	for _, status := range []int{200, 307, 400, 401, 404, 429, 500, 503} {
		for _, body := range []string{vendorError(status, 21211), text + number + token, `{"code":"` + number + `"}`, `{"sid":` + number[1:] + `}`} {
			fail(answering(t, status, body, "Location", "http://127.0.0.1/"+text[:6]+number), time.Minute)
		}
	}
	fail(answering(t, 201, `{"sid":"SM1","status":"failed","error_code":30006,"error_message":"`+text+number+`"}`), time.Minute)
	fail(answering(t, 200, text+number, "Content-Length", "1000"), time.Minute)
	fail(provider(t, "http://127.0.0.1:1"), time.Minute)
	fail(provider(t, "http://["), time.Minute)
	fail(provider(t, "http://127.0.0.1:1"), -time.Second)
	return all
}

func TestNoErrorTellsWhatIsSecret(t *testing.T) {
	t.Parallel()
	for _, err := range faults(t) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			wantNoSecret(t, verb, fmt.Sprintf(verb, err))
		}
		wantNoSecret(t, "the log", logged(err))
		if f := faultOf(t, err); len(f.Code) > len("twilio_undelivered") {
			t.Errorf("fault code %q", f.Code)
		}
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			wantNoSecret(t, "a cause", cause.Error())
		}
	}
}

func logged(v any) string {
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
	return log.String()
}

func TestNeitherProviderNorReceiptsTellWhatIsSecret(t *testing.T) {
	t.Parallel()
	p := provider(t, "")
	rc := twilio.Receipts{AccountName: "twilio-eu", Tokens: []string{token}}
	for _, v := range []any{p, &p, rc, &rc, struct{ P any }{p}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			wantNoSecret(t, verb, fmt.Sprintf(verb, v))
		}
		wantNoSecret(t, "the log", logged(v))
	}
	p.HTTP = nil // a client cannot be marshalled anyway
	for _, v := range []any{p, &p, rc, &rc} {
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("marshalled: %s", b)
		}
	}
}
