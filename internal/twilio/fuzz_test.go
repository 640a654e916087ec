package twilio_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

func FuzzReceipt(f *testing.F) {
	for _, status := range []string{"queued", "sent", "delivered", "undelivered", "failed", "read", ""} {
		f.Add(query, form(status).Encode(), "")
	}
	f.Add("?id=VE&send=0&attempt=-1", "MessageStatus=sent&MessageStatus=delivered&%zz", "AAAA")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, q, body, signature string) {
		forged, err := http.NewRequest(http.MethodPost, path+"?"+url.PathEscape(q), strings.NewReader(body))
		if err != nil {
			t.Skip("not a request that a server would be handed")
		}
		forged.Header.Set("X-Twilio-Signature", signature)
		if _, err := receipts().Parse(forged); err == nil || errors.Is(err, otp.ErrForeign) {
			t.Errorf("believed without a signature: %v", err)
		}
		values, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		for key := range values {
			values[key] = values[key][:1] // no other is signed
		}
		good := signed(values, path+strings.ReplaceAll(strings.ReplaceAll(q, " ", "+"), "#", "%23"))
		genuine := httptest.NewRequest(http.MethodPost, path, strings.NewReader(good.body))
		if genuine.URL, err = url.ParseRequestURI(good.uri); err != nil {
			return
		}
		genuine.Header.Set("X-Twilio-Signature", good.signature)
		rc, err := receipts().Parse(genuine)
		if err != nil {
			return
		}
		if rc.Order.Send < 1 || rc.Attempt < 1 || rc.State == "" || rc.Provider != "twilio-eu" {
			t.Errorf("a receipt about nothing: %+v", rc)
		}
		if (rc.State == otp.Undelivered || rc.State == otp.Failed) != (rc.Class != "") {
			t.Errorf("state %s, class %q", rc.State, rc.Class)
		}
	})
}
