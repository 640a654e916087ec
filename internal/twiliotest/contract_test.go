package twiliotest_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/twiliotest"
)

const (
	account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	path    = "/2010-04-01/Accounts/" + account + "/Messages.json"
)

func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(account, "token")
	return r
}

func TestARequestIsHeldToTwiliosFile(t *testing.T) {
	t.Parallel()
	const good = "To=%2B4915112345678&From=%2B15005550006&Body=x&ValidityPeriod=299&Attempt=1&ProvideFeedback=true&RiskCheck=enable" +
		"&ContentRetention=discard&AddressRetention=obfuscate&StatusCallback=https%3A%2F%2Fotp.example.com%2Fr%3Fid%3D1"
	for name, c := range map[string]struct {
		r  *http.Request
		ok bool
	}{
		"a good one":            {request("POST", path, good), true},
		"no To":                 {request("POST", path, "From=%2B15005550006&Body=x"), false},
		"an unknown parameter":  {request("POST", path, good+"&IdempotencyKey=1"), false},
		"a doubled parameter":   {request("POST", path, good+"&Body=y"), false},
		"two pictures":          {request("POST", path, good+"&MediaUrl=https%3A%2F%2Fa.example%2F1&MediaUrl=https%3A%2F%2Fa.example%2F2"), true},
		"a period in words":     {request("POST", path, "To=1&ValidityPeriod=long"), false},
		"feedback in words":     {request("POST", path, "To=1&ProvideFeedback=yes"), false},
		"an odd risk check":     {request("POST", path, "To=1&RiskCheck=maybe"), false},
		"an odd retention":      {request("POST", path, "To=1&ContentRetention=obfuscate"), false},
		"an odd address":        {request("POST", path, "To=1&AddressRetention=discard"), false},
		"a short service":       {request("POST", path, "To=1&MessagingServiceSid=MG1"), false},
		"a callback to a path":  {request("POST", path, "To=1&StatusCallback=%2Fv1"), false},
		"an odd account":        {request("POST", strings.Replace(path, "AC", "SK", 1), good), false},
		"another resource":      {request("POST", strings.Replace(path, "Messages", "Calls", 1), good), false},
		"another method":        {request("DELETE", path, ""), false},
		"a fetch":               {request("GET", strings.TrimSuffix(path, ".json")+"/SM0123456789abcdef0123456789abcdef.json", ""), true},
		"a fetch of nothing":    {request("GET", strings.TrimSuffix(path, ".json")+"/SM1.json", ""), false},
		"a look at the account": {request("GET", "/2010-04-01/Accounts/"+account+".json", ""), true},
		"a look at an odd one":  {request("GET", "/2010-04-01/Accounts/SK1.json", ""), false},
		"a body of another kind": {func() *http.Request {
			r := request("POST", path, good)
			r.Header.Set("Content-Type", "text/plain")
			return r
		}(), false},
		"no credentials": {func() *http.Request { r := request("POST", path, good); r.Header.Del("Authorization"); return r }(), false},
	} {
		if err := twiliotest.CheckRequest(c.r); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABodyStaysReadable(t *testing.T) {
	t.Parallel()
	r := request("POST", path, "To=1")
	if err := twiliotest.CheckRequest(r); err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(r.Body); string(b) != "To=1" {
		t.Errorf("have %s", b)
	}
}

// made is a message as Twilio's file shows one.
func made() map[string]any {
	return map[string]any{
		"account_sid": account, "api_version": "2010-04-01", "sid": "SM0123456789abcdef0123456789abcdef", "status": "queued",
		"direction": "outbound-api", "to": "+4915112345678", "from": "+15005550006", "body": "x", "messaging_service_sid": nil,
		"num_segments": "1", "num_media": "0", "price": nil, "price_unit": "USD", "error_code": nil, "error_message": nil,
		"date_created": "Thu, 24 Aug 2023 05:01:45 +0000", "date_updated": nil, "date_sent": nil, "uri": "/x.json", "subresource_uris": map[string]any{},
	}
}

func TestAnAnswerIsHeldToTwiliosFile(t *testing.T) {
	t.Parallel()
	with := func(base map[string]any, key string, value any) map[string]any {
		out := maps.Clone(base)
		if out[key] = value; value == nil {
			delete(out, key)
		}
		return out
	}
	fault := map[string]any{"code": 21211, "message": "Invalid", "more_info": "https://www.twilio.com/docs/errors/21211", "status": 400}
	for name, c := range map[string]struct {
		status int
		body   map[string]any
		ok     bool
	}{
		"a message":          {201, made(), true},
		"another status":     {202, made(), false},
		"no sid":             {201, with(made(), "sid", nil), false},
		"an odd sid":         {201, with(made(), "sid", "SM1"), false},
		"a new status":       {201, with(made(), "status", "teleported"), false},
		"segments in digits": {201, with(made(), "num_segments", 1), false},
		"an ISO date":        {201, with(made(), "date_created", "2023-08-24T05:01:45Z"), false},
		"an odd currency":    {201, with(made(), "price_unit", "dollar"), false},
		"an error":           {400, fault, true},
		"an error of none":   {503, map[string]any{}, false},
		"an error too long":  {400, with(fault, "details", "x"), false},
		"a wordless error":   {400, with(fault, "message", nil), false},
	} {
		body, _ := json.Marshal(c.body)
		res := &http.Response{
			StatusCode: c.status, Header: http.Header{"Content-Type": {"application/json;charset=utf-8"}},
			Body: io.NopCloser(strings.NewReader(string(body))),
		}
		if err := twiliotest.CheckAnswer(request("POST", path, ""), res); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsNoOperationMayOnlyBeRefused(t *testing.T) {
	t.Parallel()
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/2010-04-01/Accounts/" + account + "/Calls.json"}}
	res := &http.Response{StatusCode: http.StatusCreated, Body: http.NoBody}
	if err := twiliotest.CheckAnswer(r, res); !errors.Is(err, twiliotest.ErrNoOperation) {
		t.Errorf("have %v", err)
	}
}
