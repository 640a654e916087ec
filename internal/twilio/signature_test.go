package twilio_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/twilio"
)

func TestTheSignatureHoldsForTheURLThatTwilioSawAndForEveryField(t *testing.T) {
	t.Parallel()
	good := signed(form("sent"), path+query)
	for name, c := range map[string]struct {
		change func(*twilio.Receipts, *request)
		ok     bool
	}{
		"as it came": {func(*twilio.Receipts, *request) {}, true},
		"old token first, new one second": {func(rc *twilio.Receipts, _ *request) {
			rc.Tokens = []string{"0123456789abcdef", token}
		}, true},
		"an empty token before the right one": {func(rc *twilio.Receipts, _ *request) { rc.Tokens = []string{"", token} }, true},
		"the default port written out":        {func(rc *twilio.Receipts, _ *request) { rc.PublicURL = publicURL + ":443" }, true},
		"a port that Twilio wrote out": {func(_ *twilio.Receipts, q *request) {
			q.signature = devkit.SignTwilio(token, publicURL+":443"+q.uri, form("sent"))
		}, true},
		"a port that Twilio left out": {func(rc *twilio.Receipts, _ *request) { rc.PublicURL = publicURL + ":8443" }, true},
		"a port that is missing": {func(_ *twilio.Receipts, q *request) {
			q.signature = devkit.SignTwilio(token, publicURL+":8443"+q.uri, form("sent"))
		}, false},
		"a port on both sides": {func(rc *twilio.Receipts, q *request) {
			rc.PublicURL = publicURL + ":8443"
			q.signature = devkit.SignTwilio(token, rc.PublicURL+q.uri, form("sent"))
		}, true},
		"a host in capitals":             {func(rc *twilio.Receipts, _ *request) { rc.PublicURL = "https://OTP.example.com" }, false},
		"a slash after the path":         {func(_ *twilio.Receipts, q *request) { q.uri = path + "/" + query }, false},
		"the query coded in another way": {func(_ *twilio.Receipts, q *request) { q.uri = strings.Replace(q.uri, "attempt=2", "attempt=%32", 1) }, false},
		"no query":                       {func(_ *twilio.Receipts, q *request) { q.uri = path }, false},
		"a parameter more in the query":  {func(_ *twilio.Receipts, q *request) { q.uri += "&attempt=3" }, false},
		"a parameter twice in the query": {func(_ *twilio.Receipts, q *request) {
			q.uri = path + strings.Replace(query, "&attempt=2", "&attempt=3&attempt=2", 1)
		}, false},
		"a field coded in another way": {func(_ *twilio.Receipts, q *request) { q.body = strings.Replace(q.body, "a%2Bb", "a+b", 1) }, false},
		"the fields in another order": {func(_ *twilio.Receipts, q *request) {
			fields := strings.Split(q.body, "&")
			slices.Reverse(fields)
			q.body = strings.Join(fields, "&")
		}, true},
		"a value doubled in front":         {func(_ *twilio.Receipts, q *request) { q.body = "MessageStatus=delivered&" + q.body }, false},
		"JSON with its hash in the URL":    {json256, false},
		"JSON with a signature of nothing": {func(_ *twilio.Receipts, q *request) { q.body = `{"MessageStatus":"delivered"}` }, false},
		"a slash after the public address": {func(rc *twilio.Receipts, _ *request) { rc.PublicURL = publicURL + "/" }, true},
		"no signature":                     {func(_ *twilio.Receipts, q *request) { q.signature = "" }, false},
		"another signature":                {func(_ *twilio.Receipts, q *request) { q.signature = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" }, false},
		"another token":                    {func(rc *twilio.Receipts, _ *request) { rc.Tokens = []string{token[1:]} }, false},
		"no token":                         {func(rc *twilio.Receipts, _ *request) { rc.Tokens = nil }, false},
		"http instead of https":            {func(rc *twilio.Receipts, _ *request) { rc.PublicURL = "http://otp.example.com" }, false},
		"another host":                     {func(rc *twilio.Receipts, _ *request) { rc.PublicURL = "https://otp.example.org" }, false},
		"a base path too many":             {func(rc *twilio.Receipts, _ *request) { rc.PublicURL = publicURL + "/otp" }, false},
		"another attempt":                  {func(_ *twilio.Receipts, q *request) { q.uri = strings.Replace(q.uri, "attempt=2", "attempt=3", 1) }, false},
		"the query in another order": {func(_ *twilio.Receipts, q *request) {
			q.uri = path + "?send=1&id=" + string(id) + "&attempt=2"
		}, false},
		"another status":   {func(_ *twilio.Receipts, q *request) { q.body = form("delivered").Encode() }, false},
		"a field too many": {func(_ *twilio.Receipts, q *request) { q.body += "&ErrorCode=21610" }, false},
		"no form":          {func(_ *twilio.Receipts, q *request) { q.body = "%" }, false},
		"an empty body":    {func(_ *twilio.Receipts, q *request) { q.body = "" }, false},
		"a GET":            {func(_ *twilio.Receipts, q *request) { q.method = "GET" }, false},
		"a PUT":            {func(_ *twilio.Receipts, q *request) { q.method = "PUT" }, false},
		"the empty token's signature": {func(rc *twilio.Receipts, q *request) {
			rc.Tokens = []string{""}
			q.signature = devkit.SignTwilio("", publicURL+q.uri, form("sent"))
		}, false},
		"a signature over the URL alone": {func(_ *twilio.Receipts, q *request) {
			q.uri += "&bodySHA256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
			q.signature = devkit.SignTwilio(token, publicURL+q.uri, nil)
		}, false},
	} {
		rc, q := receipts(), good
		c.change(&rc, &q)
		_, err := posted(t, rc, q)
		if c.ok && err != nil || !c.ok && !errors.Is(err, otp.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// json256 makes a request as Twilio signs JSON: the body's hash stands in the
// URL, and the URL alone is signed. No status callback is one.
func json256(_ *twilio.Receipts, q *request) {
	q.body = `{"MessageStatus":"delivered"}`
	q.uri += fmt.Sprintf("&bodySHA256=%x", sha256.Sum256([]byte(q.body)))
	q.signature = devkit.SignTwilio(token, publicURL+q.uri, nil)
}

// Whoever reaches the api without the proxy in between may claim to be any host.
func TestWhatARequestSaysOfItsHostIsNotBelieved(t *testing.T) {
	t.Parallel()
	headers := map[string]string{
		"X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "1", "X-Forwarded-Prefix": "/evil",
		"Forwarded": "host=evil.example.com;proto=http", "X-Original-URL": "/evil",
	}
	for signedFor, ok := range map[string]bool{publicURL: true, "http://evil.example.com": false} {
		r := httptest.NewRequest(http.MethodPost, "http://evil.example.com"+path+query, strings.NewReader(form("sent").Encode()))
		r.RequestURI = path + query
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		r.Header.Set("X-Twilio-Signature", devkit.SignTwilio(token, signedFor+path+query, form("sent")))
		if _, err := receipts().Parse(r); (err == nil) != ok {
			t.Errorf("signed for %s: %v", signedFor, err)
		}
	}
}

func TestASignedUserInThePublicAddressIsPartOfIt(t *testing.T) {
	t.Parallel()
	rc := receipts()
	rc.PublicURL = "https://user:word@otp.example.com"
	q := signed(form("sent"), path+query)
	if _, err := posted(t, rc, q); !errors.Is(err, otp.ErrForged) {
		t.Errorf("dropped: %v", err)
	}
	q.signature = devkit.SignTwilio(token, rc.PublicURL+path+query, form("sent"))
	if _, err := posted(t, rc, q); err != nil {
		t.Error(err)
	}
}

// The signature does not mark where a key ends and its value begins.
func TestAShiftedBoundaryMakesNoReceipt(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{
		"MessageStatus=sent": "MessageStatu=ssent", "MessageSid=SM": "MessageSi=dSM", "AccountSid=AC": "AccountSidA=C",
	} {
		q := signed(form("sent"), path+query)
		q.body = strings.Replace(q.body, from, to, 1)
		if _, err := posted(t, receipts(), q); !errors.Is(err, otp.ErrForeign) {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestTheRawURLIsWhatIsSigned(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{
		"/v1/receipts/twilio%2Deu" + query,
		"/v1/receipts/twilio%2feu" + query,
		"/v1//receipts/%7Etwilio~" + query + "&note=a%20b+c%2Bd%2f&&empty",
		path + query + "&",
	} {
		if _, err := posted(t, receipts(), signed(form("sent"), uri)); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func TestABasePathBelongsToThePublicAddress(t *testing.T) {
	t.Parallel()
	rc := receipts()
	rc.PublicURL = publicURL + "/otp" // the proxy takes it off
	q := signed(form("sent"), path+query)
	q.signature = devkit.SignTwilio(token, publicURL+"/otp"+path+query, form("sent"))
	if _, err := posted(t, rc, q); err != nil {
		t.Error(err)
	}
}

func TestOnlyTheFirstValueOfAKeyCounts(t *testing.T) {
	t.Parallel()
	q := signed(form("sent"), path+query)
	q.body += "&MessageStatus=delivered&AccountSid=AC00000000000000000000000000000000"
	if got, err := posted(t, receipts(), q); err != nil || got.State != otp.Sent {
		t.Errorf("have %s, %v", got.State, err)
	}
}
