package e2e_test

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
)

// TestAReceiptThatIsForgedForeignOrLateChangesNothing posts what anybody on the
// internet could, and what Twilio itself may say too late.
func TestAReceiptThatIsForgedForeignOrLateChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := settings{Listen: port(t)}
	s.PublicURL = "http://" + s.Listen
	a := r.startAPI(s)
	r.startWorker(s)
	to, somebody := r.phone(), r.phone()
	v, other := a.start(t, "load", to), a.start(t, "load", somebody)
	for _, one := range []told{v, other} {
		eventually(t, 30*time.Second, "delivered", func() bool { return a.get(t, one.ID).Delivery.Status == "delivered" })
	}
	a.check(t, "load", to, r.code(to, time.Second))
	before, beforeOther := a.get(t, v.ID), a.get(t, other.ID)
	var ref string
	for _, step := range before.Timeline {
		if step.Ref != "" {
			ref = step.Ref
		}
	}
	query := func(id, send, attempt string) string {
		return url.Values{"id": {id}, "send": {send}, "attempt": {attempt}}.Encode()
	}
	right := query(v.ID, "1", "1")
	unsent := "VE" + v.ID[2:4] + strings.Repeat("0", 30)
	for _, c := range []struct {
		name, query, sid, status, account, token string
		want                                     int
	}{
		{"forged", right, ref, "undelivered", devkit.TwilioAccount, "somebody else's token", 403},
		{"without a signature", right, ref, "undelivered", devkit.TwilioAccount, "", 403},
		{"late: sent", right, ref, "sent", devkit.TwilioAccount, devkit.TwilioToken, 204},
		{"late: undelivered", right, ref, "undelivered", devkit.TwilioAccount, devkit.TwilioToken, 204},
		{"late: failed", right, ref, "failed", devkit.TwilioAccount, devkit.TwilioToken, 204},
		{"twice", right, ref, "delivered", devkit.TwilioAccount, devkit.TwilioToken, 204},
		{"of another message", right, "SM" + strings.Repeat("0", 32), "undelivered", devkit.TwilioAccount, devkit.TwilioToken, 204},
		{"of another account", right, ref, "undelivered", "AC" + strings.Repeat("1", 32), devkit.TwilioToken, 204},
		{"of an odd status", right, ref, "exploded", devkit.TwilioAccount, devkit.TwilioToken, 204},
		{"for another verification", query(other.ID, "1", "1"), ref, "undelivered", devkit.TwilioAccount, devkit.TwilioToken, 204},
		{"for no verification", query(unsent, "1", "1"), ref, "undelivered", devkit.TwilioAccount, devkit.TwilioToken, 204},
		{"for another send", query(v.ID, "2", "1"), ref, "undelivered", devkit.TwilioAccount, devkit.TwilioToken, 204},
		{"for another attempt", query(v.ID, "1", "2"), ref, "undelivered", devkit.TwilioAccount, devkit.TwilioToken, 204},
		{"for nothing", "", ref, "undelivered", devkit.TwilioAccount, devkit.TwilioToken, 204},
		{"with an odd id", query("VE*", "1", "1"), ref, "undelivered", devkit.TwilioAccount, devkit.TwilioToken, 204},
	} {
		form := url.Values{
			"AccountSid": {c.account}, "MessageSid": {c.sid}, "SmsSid": {c.sid}, "To": {to},
			"MessageStatus": {c.status}, "SmsStatus": {c.status}, "ErrorCode": {"30005"},
		}
		target := s.PublicURL + "/v1/receipts/twilio?" + c.query
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, target, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if c.token != "" {
			req.Header.Set("X-Twilio-Signature", devkit.SignTwilio(c.token, target, form))
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, res.StatusCode, c.want)
		}
		if after := a.get(t, v.ID); !reflect.DeepEqual(before, after) {
			t.Fatalf("%s: %+v became %+v", c.name, before, after)
		}
		if after := a.get(t, other.ID); !reflect.DeepEqual(beforeOther, after) {
			t.Fatalf("%s: the other one: %+v became %+v", c.name, beforeOther, after)
		}
	}
	if got := a.ask("load", to); got.status != http.StatusAccepted {
		t.Errorf("the recipient is shut out: %v", got)
	}
}
