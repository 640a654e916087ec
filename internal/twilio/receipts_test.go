package twilio_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/twilio"
)

const (
	publicURL = "https://otp.example.com"
	sid       = "SM0123456789abcdef0123456789abcdef"
	query     = "?id=" + string(id) + "&send=1&attempt=2"
	path      = "/v1/receipts/twilio-eu"
)

func receipts() twilio.Receipts {
	return twilio.Receipts{AccountName: "twilio-eu", AccountSID: account, Tokens: []string{token}, PublicURL: publicURL}
}

func form(status string) url.Values {
	return url.Values{
		"AccountSid": {account}, "ApiVersion": {"2010-04-01"}, "From": {"+15005550006"}, "To": {number},
		"MessageSid": {sid}, "MessageStatus": {status}, "SmsSid": {sid}, "SmsStatus": {status}, "NewInSpring": {"a+b &="},
	}
}

// request is a status callback. What is empty is filled in as Twilio would.
type request struct {
	method, uri, body, signature string
}

// posted sends a request over the network to a proxy-less receiver.
func posted(t *testing.T, rc twilio.Receipts, q request) (got otp.Receipt, failed error) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, failed = rc.Parse(r) }))
	defer s.Close()
	req, err := http.NewRequestWithContext(t.Context(), q.method, s.URL+q.uri, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", q.signature)
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return got, failed
}

// signed is a request that Twilio would make.
func signed(f url.Values, uri string) request {
	return request{"POST", uri, f.Encode(), devkit.SignTwilio(token, publicURL+uri, f)}
}

func TestASignedCallbackIsAReceipt(t *testing.T) {
	t.Parallel()
	got, err := posted(t, receipts(), signed(form("sent"), path+query))
	want := otp.Receipt{Order: otp.Order{ID: id, Send: 1}, Attempt: 2, Provider: "twilio-eu", Ref: sid, State: otp.Sent}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestABodyTooLargeIsNotRead(t *testing.T) {
	t.Parallel()
	f := form("sent")
	f.Set("Padding", strings.Repeat("x", 64<<10))
	_, err := posted(t, receipts(), signed(f, path+query))
	if _, ok := errors.AsType[*http.MaxBytesError](err); !ok {
		t.Errorf("have %v", err)
	}
}

func TestASignedCallbackAboutSomethingElseIsForeign(t *testing.T) {
	t.Parallel()
	with := func(key, value string) url.Values {
		f := form("sent")
		f.Set(key, value)
		return f
	}
	for name, q := range map[string]request{
		"another account":    signed(with("AccountSid", "AC00000000000000000000000000000000"), path+query),
		"no account":         signed(with("AccountSid", ""), path+query),
		"a new status":       signed(form("teleported"), path+query),
		"no status":          signed(form(""), path+query),
		"a message to us":    signed(form("received"), path+query),
		"no message":         signed(with("MessageSid", ""), path+query),
		"a strange message":  signed(with("MessageSid", "SM1\r\nx"), path+query),
		"no query":           signed(form("sent"), path),
		"no id of ours":      signed(form("sent"), path+"?id=VE1&send=1&attempt=2"),
		"no send":            signed(form("sent"), path+"?id="+string(id)+"&attempt=2"),
		"send zero":          signed(form("sent"), path+"?id="+string(id)+"&send=0&attempt=2"),
		"a negative attempt": signed(form("sent"), path+"?id="+string(id)+"&send=1&attempt=-2"),
		"attempt zero":       signed(form("sent"), path+"?id="+string(id)+"&send=1&attempt=0"),
		"a huge attempt":     signed(form("sent"), path+"?id="+string(id)+"&send=1&attempt=99999999999999999999"),
		"a field in the URL": signed(form("sent"), path+query+"AccountSid"+account),
	} {
		if _, err := posted(t, receipts(), q); !errors.Is(err, otp.ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryStatusHasAState(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]otp.State{
		"accepted": otp.Accepted, "scheduled": otp.Accepted, "queued": otp.Accepted, "sending": otp.Accepted,
		"sent": otp.Sent, "delivered": otp.Delivered, "read": otp.Delivered,
		"undelivered": otp.Undelivered, "partially_delivered": otp.Undelivered, "failed": otp.Failed, "canceled": otp.Failed,
	} {
		f := form(status)
		got, err := posted(t, receipts(), signed(f, path+query))
		if err != nil || got.State != want {
			t.Errorf("%s: have %s, %v", status, got.State, err)
		}
		bad := want == otp.Undelivered || want == otp.Failed
		if bad && (got.Reason != "twilio_"+status || got.Class != otp.FaultProvider) || !bad && got.Reason+string(got.Class) != "" {
			t.Errorf("%s: reason %q, class %q", status, got.Reason, got.Class)
		}
		f.Set("ErrorCode", "30005")
		if got, _ = posted(t, receipts(), signed(f, path+query)); bad != (got.Reason == "twilio_30005" && got.Permanent) {
			t.Errorf("%s with a code: reason %q", status, got.Reason)
		}
	}
}

func TestAnErrorCodeIsJudgedByTheSameTable(t *testing.T) {
	t.Parallel()
	for _, j := range append(judgements, judgement{otp.FaultProvider, false, []int{29999}}) {
		for _, code := range j.codes {
			f := form("undelivered")
			f.Set("ErrorCode", fmt.Sprint(code))
			got, err := posted(t, receipts(), signed(f, path+query))
			if err != nil || got.Class != j.class || got.Permanent != j.permanent || got.Reason != fmt.Sprintf("twilio_%d", code) {
				t.Errorf("%d: have %+v, %v", code, got, err)
			}
		}
	}
	for _, code := range []string{"-30005", "0", "x", "300050000", "99999999999999999999"} {
		f := form("failed")
		f.Set("ErrorCode", code)
		got, err := posted(t, receipts(), signed(f, path+query))
		if err != nil || got.Class != otp.FaultProvider || got.Reason != "twilio_failed" {
			t.Errorf("%s: have %+v, %v", code, got, err)
		}
	}
}
