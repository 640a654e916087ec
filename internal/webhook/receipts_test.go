package webhook_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/webhook"
)

const messageID = string(id) + "-1-2"

// report is a receipt on its way, signed by the standard's own library.
type report struct {
	method, body string
	header       http.Header
}

func signed(t *testing.T, secret string, at time.Time, body string) report {
	t.Helper()
	return named(t, "rcpt_1", secret, at, body)
}

func named(t *testing.T, id, secret string, at time.Time, body string) report {
	t.Helper()
	wh, err := standard.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := wh.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
	h.Set("webhook-signature", signature)
	return report{http.MethodPost, body, h}
}

// post sends a report over the network to a receiver with these secrets.
func post(t *testing.T, r report, believed ...string) (got otp.Receipt, failed error) {
	t.Helper()
	rc := webhook.Receipts{AccountName: "gateway", Secrets: secrets(t, believed...), Now: time.Now}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, failed = rc.Parse(r) }))
	defer s.Close()
	req, err := http.NewRequestWithContext(t.Context(), r.method, s.URL+"/v1/receipts/gateway", strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.header
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return got, failed
}

func status(what string) string { return fmt.Sprintf(`{"message":%q,"status":%q}`, messageID, what) }

func TestAReceiptSignedByTheStandardsLibraryIsRead(t *testing.T) {
	t.Parallel()
	gone := func(c otp.Class, permanent bool, reason string) otp.Receipt {
		return otp.Receipt{State: otp.Undelivered, Class: c, Permanent: permanent, Reason: reason}
	}
	with := func(more string) string {
		return fmt.Sprintf(`{"message":%q,"status":"undelivered",%s}`, messageID, more)
	}
	for body, want := range map[string]otp.Receipt{
		status("sent"):        {State: otp.Sent},
		status("delivered"):   {State: otp.Delivered},
		status("undelivered"): gone(otp.FaultProvider, false, "webhook_undelivered"),
		status("failed"):      {State: otp.Failed, Class: otp.FaultProvider, Reason: "webhook_failed"},
		with(`"fault":"recipient","permanent":true,"reason":"no_such_number"`): gone(otp.FaultRecipient, true, "no_such_number"),
		with(`"fault":"us","permanent":true,"reason":"smtp_550"`):              gone(otp.FaultUs, false, "smtp_550"),
		with(`"fault":"provider","reason":"` + code + `"`):                     gone(otp.FaultProvider, false, "webhook_undelivered"),
		with(`"fault":"nobody","reason":"to_` + number[1:] + `"`):              gone(otp.FaultProvider, false, "webhook_undelivered"),
		with(`"reason":"` + strings.Repeat("x", 33) + `"`):                     gone(otp.FaultProvider, false, "webhook_undelivered"),
		with(`"reason":"line\nbreak"`):                                         gone(otp.FaultProvider, false, "webhook_undelivered"),
		with(`"something":["new"]`):                                            gone(otp.FaultProvider, false, "webhook_undelivered"),
	} {
		want.Order, want.Attempt, want.Provider = otp.Order{ID: id, Send: 1}, 2, "gateway"
		got, err := post(t, signed(t, secret, time.Now(), body), secret)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", body, err, diff)
		}
	}
}

func TestAForgedReceiptIsRefused(t *testing.T) {
	t.Parallel()
	good := func() report { return signed(t, secret, time.Now(), status("delivered")) }
	change := func(f func(r *report)) report {
		r := good()
		f(&r)
		return r
	}
	set := func(name, value string) report { return change(func(r *report) { r.header.Set(name, value) }) }
	for name, c := range map[string]struct {
		report   report
		believed []string
		ok       bool
	}{
		"as it came":                      {good(), []string{secret}, true},
		"while the secret is replaced":    {good(), []string{next, secret}, true},
		"signed by old and new":           {change(func(r *report) { r.header.Set("webhook-signature", "v1,AAAA "+r.header.Get("webhook-signature")) }), []string{secret}, true},
		"with another version beside it":  {change(func(r *report) { r.header.Set("webhook-signature", "v1a,AAAA "+r.header.Get("webhook-signature")) }), []string{secret}, true},
		"by somebody else":                {signed(t, stranger, time.Now(), status("delivered")), []string{secret, next}, false},
		"without secrets":                 {good(), nil, false},
		"without a signature":             {set("webhook-signature", ""), []string{secret}, false},
		"with an empty signature":         {set("webhook-signature", "v1,"), []string{secret}, false},
		"by another version alone":        {change(func(r *report) { r.header.Set("webhook-signature", "v2"+r.header.Get("webhook-signature")[2:]) }), []string{secret}, false},
		"with the body changed":           {change(func(r *report) { r.body = strings.Replace(r.body, "-1-2", "-1-1", 1) }), []string{secret}, false},
		"with the id changed":             {set("webhook-id", "rcpt_2"), []string{secret}, false},
		"without an id":                   {named(t, "", secret, time.Now(), status("delivered")), []string{secret}, false},
		"with the time changed":           {set("webhook-timestamp", fmt.Sprint(time.Now().Unix()+1)), []string{secret}, false},
		"with no time":                    {set("webhook-timestamp", "now"), []string{secret}, false},
		"kept for four minutes":           {signed(t, secret, time.Now().Add(-4*time.Minute), status("delivered")), []string{secret}, true},
		"kept for six minutes":            {signed(t, secret, time.Now().Add(-6*time.Minute), status("delivered")), []string{secret}, false},
		"from a clock four minutes ahead": {signed(t, secret, time.Now().Add(4*time.Minute), status("delivered")), []string{secret}, true},
		"from a clock six minutes ahead":  {signed(t, secret, time.Now().Add(6*time.Minute), status("delivered")), []string{secret}, false},
		"with a time before all time":     {set("webhook-timestamp", "-9223372036854775808"), []string{secret}, false},
		"by another method":               {change(func(r *report) { r.method = http.MethodPut }), []string{secret}, false},
	} {
		_, err := post(t, c.report, c.believed...)
		if c.ok && err != nil || !c.ok && !errors.Is(err, otp.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASignedReceiptAboutNothingOfOursIsForeign(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"", "msg_1", string(id), string(id) + "-0-1", string(id) + "-1-0", string(id) + "-1-99999", "x" + messageID, messageID + "\n"} {
		body := fmt.Sprintf(`{"message":%q,"status":"delivered"}`, message)
		if _, err := post(t, signed(t, secret, time.Now(), body), secret); !errors.Is(err, otp.ErrForeign) {
			t.Errorf("%q: %v", message, err)
		}
	}
}

func TestASignedBodyThatIsNoReceiptIsSaidToBeNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "[]", "{", status(""), status("accepted"), status(code), `{"message":7,"status":"sent"}`, strings.Repeat(" ", 17<<10) + status("sent")} {
		_, err := post(t, signed(t, secret, time.Now(), body), secret)
		if err == nil || errors.Is(err, otp.ErrForged) || errors.Is(err, otp.ErrForeign) || strings.Contains(err.Error(), code) {
			t.Errorf("%.40q: %v", body, err)
		}
	}
}
