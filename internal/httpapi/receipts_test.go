package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/devkit"
)

const messageSID = "SM0123456789abcdef0123456789abcdef"

// report is a status callback as Twilio would send it, signed with token.
func report(path, status, token string) request {
	form := url.Values{"AccountSid": {accountSID}, "MessageSid": {messageSID}, "MessageStatus": {status}, "To": {phone}}
	return request{
		path: path, key: noKey, body: form.Encode(),
		header: map[string]string{
			"Content-Type":       "application/x-www-form-urlencoded",
			"X-Twilio-Signature": devkit.SignTwilio(token, publicURL+path, form),
		},
	}
}

func receiptPath(provider, id string) string {
	return "/v1/receipts/" + provider + "?id=" + id + "&send=1&attempt=1"
}

func TestAGoodReceiptMovesTheDelivery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start(toPhone).want(http.StatusAccepted, "")
	id := first.text("id")
	r.hand(first, messageSID)
	for _, status := range []string{"delivered", "sent", "delivered"} {
		a := r.do(report(receiptPath("twilio", id), status, authToken)).want(http.StatusNoContent, "")
		if a.raw != "" {
			t.Errorf("204 with a body: %s", a.raw)
		}
	}
	if got := r.get(id).ok().body["delivery"].(map[string]any)["status"]; got != "delivered" {
		t.Errorf("delivery %v", got)
	}
}

func TestAReceiptThatIsNotOursChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start(toPhone).want(http.StatusAccepted, "")
	id := first.text("id")
	r.hand(first, messageSID)
	before := r.contents()
	for name, c := range map[string]struct {
		q      request
		status int
		code   string
	}{
		"unknown id":         {report(receiptPath("twilio", "VE000123456789abcdef0123456789abcd"), "delivered", authToken), 204, ""},
		"no id":              {report("/v1/receipts/twilio", "delivered", authToken), 204, ""},
		"something else":     {report(receiptPath("twilio", "739182"), "delivered", authToken), 204, ""},
		"an attempt too far": {report(receiptPath("twilio", id)+"0", "delivered", authToken), 204, ""},
		"a status too new":   {report(receiptPath("twilio", id), "teleported", authToken), 204, ""},
		"unknown provider":   {report(receiptPath("nobody", id), "delivered", authToken), 404, "route_not_found"},
	} {
		a := r.do(c.q)
		if a.status != c.status || a.text("code") != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
		r.untouched(before, name)
	}
}

func TestAForgedReceiptIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start(toPhone).want(http.StatusAccepted, "")
	r.hand(first, messageSID)
	before := r.contents()
	path := receiptPath("twilio", first.text("id"))
	none := report(path, "delivered", authToken)
	delete(none.header, "X-Twilio-Signature")
	for name, q := range map[string]request{
		"another token": report(path, "delivered", "another"),
		"no signature":  none,
	} {
		a, err := r.try(r.server, q)
		if err != nil || a.status != http.StatusForbidden {
			t.Errorf("%s: %d, %v", name, a.status, err)
		}
		r.untouched(before, name)
	}
}

func TestTheProblemOfAForgedReceiptIsOneOfTheContracts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.do(report(receiptPath("twilio", "VE000123456789abcdef0123456789abcd"), "delivered", "another"))
}

func TestAReceiptThatCannotBeReadIsNotAnsweredAsIfItHadBeen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := report(receiptPath("twilio", "VE000123456789abcdef0123456789abcd"), "delivered", authToken)
	q.body = strings.Repeat("a", 1<<20)
	r.do(q).want(http.StatusRequestEntityTooLarge, "body_too_large")
}

func TestReceiptsArePosted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.do(request{method: http.MethodGet, path: "/v1/receipts/twilio"}).want(http.StatusMethodNotAllowed, "method_not_allowed")
}
