package webhook_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/webhook"
)

var digits = regexp.MustCompile(`[0-9]{4}`)

// FuzzReceipt lets anybody post anything: what we believe the standard's library
// believes too, and what it signed is never a receipt about nothing.
func FuzzReceipt(f *testing.F) {
	for _, what := range []string{"sent", "delivered", "undelivered", "failed", ""} {
		f.Add("rcpt_1", "0", "v1,AAAA", status(what))
	}
	f.Add("", "-9223372036854775808", "v1, v1,, v1", `{"message":"`+messageID+`","status":"failed","fault":"recipient","permanent":true,"reason":"x_1"}`)
	f.Fuzz(func(t *testing.T, id, timestamp, signature, body string) {
		rc := webhook.Receipts{AccountName: "gateway", Secrets: secrets(t, secret), Now: time.Now}
		wh, err := standard.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		request := func(timestamp, signature string) *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("webhook-id", id)
			r.Header.Set("webhook-timestamp", timestamp)
			r.Header.Set("webhook-signature", signature)
			return r
		}
		forged := request(timestamp, signature)
		if _, err := rc.Parse(forged); !errors.Is(err, otp.ErrForged) && len(body) < 1<<14 && wh.Verify([]byte(body), forged.Header) != nil {
			t.Errorf("believed without a signature: %v", err)
		}
		now := time.Now()
		made, err := wh.Sign(id, now, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := rc.Parse(request(fmt.Sprint(now.Unix()), made))
		if errors.Is(err, otp.ErrForged) && id != "" {
			t.Errorf("what the library signed is not believed: %q", id)
		}
		if err != nil {
			return
		}
		if got.Order.Send < 1 || got.Attempt < 1 || got.State == "" || got.Provider != "gateway" || digits.MatchString(got.Reason) {
			t.Errorf("a receipt about nothing: %+v", got)
		}
		if (got.State == otp.Undelivered || got.State == otp.Failed) != (got.Class != "") {
			t.Errorf("state %s, class %q", got.State, got.Class)
		}
	})
}
