package devkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/twiliotest"
)

const (
	twilioAccount = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	twilioToken   = "b1946ac92492d2347c6235b4d2611184"
	twilioPath    = "/2010-04-01/Accounts/" + twilioAccount + "/Messages.json"
)

func newTwilio(t *testing.T) (*devkit.Twilio, string) {
	t.Helper()
	v := &devkit.Twilio{
		AccountSID: twilioAccount, AuthToken: twilioToken, Inbox: &devkit.Inbox{}, Chaos: &devkit.Chaos{},
		SlowFor: 50 * time.Millisecond,
	}
	s := httptest.NewServer(twiliotest.Answers(t, v))
	t.Cleanup(s.Close)
	t.Cleanup(v.Close)
	return v, s.URL
}

func twilioForm(changes ...string) url.Values {
	f := url.Values{"To": {"+4915112345678"}, "From": {"+15005550006"}, "Body": {"482913 is your code."}}
	for i := 0; i+1 < len(changes); i += 2 {
		f.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			f.Del(changes[i])
		}
	}
	return f
}

// twilioPost posts a form as the account would, unless change says otherwise,
// and returns the status and the answer.
func twilioPost(t *testing.T, target string, f url.Values, change func(*http.Request)) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(f.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(twilioAccount, twilioToken)
	if change != nil {
		change(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer
}

func TestTwilioAnswersWithAMessageResource(t *testing.T) {
	t.Parallel()
	v, base := newTwilio(t)
	status, got := twilioPost(t, base+twilioPath, twilioForm(), nil)
	sid, _ := got["sid"].(string)
	created, _ := got["date_created"].(string)
	if _, err := time.Parse(time.RFC1123Z, created); err != nil || !regexp.MustCompile(`^SM[0-9a-f]{32}$`).MatchString(sid) {
		t.Errorf("sid %q, created %q", sid, created)
	}
	uri := "/2010-04-01/Accounts/" + twilioAccount + "/Messages/" + sid
	want := map[string]any{
		"account_sid": twilioAccount, "api_version": "2010-04-01", "sid": sid, "status": "queued", "direction": "outbound-api",
		"to": "+4915112345678", "from": "+15005550006", "body": "482913 is your code.", "messaging_service_sid": nil,
		"num_segments": "1", "num_media": "0", "price": nil, "price_unit": "USD", "error_code": nil, "error_message": nil,
		"date_created": created, "date_updated": created, "date_sent": nil,
		"uri": uri + ".json", "subresource_uris": map[string]any{"media": uri + "/Media.json"},
	}
	if diff := cmp.Diff(want, got); status != http.StatusCreated || diff != "" {
		t.Errorf("%d %s", status, diff)
	}
	if m := v.Inbox.Messages("+4915112345678"); len(m) != 1 || m[0].Code != "482913" || m[0].Channel != "sms" || m[0].Provider != "twilio" {
		t.Errorf("the handset shows %v", m)
	}
}

func TestTwilioQueuesNothingBeforeAMessagingServiceHasPickedTheSender(t *testing.T) {
	t.Parallel()
	_, base := newTwilio(t)
	_, got := twilioPost(t, base+twilioPath, twilioForm("From", "", "MessagingServiceSid", "MGbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), nil)
	if got["status"] != "accepted" || got["from"] != nil || got["num_segments"] != "0" {
		t.Errorf("have %v", got)
	}
}

func TestTwilioRefusesWhatItsRulesForbid(t *testing.T) {
	t.Parallel()
	v, base := newTwilio(t)
	twice := twilioForm()
	twice.Add("Body", "again")
	for name, c := range map[string]struct {
		form         url.Values
		status, code int
	}{
		"no To":                   {twilioForm("To", ""), 400, 21604},
		"no sender":               {twilioForm("From", ""), 400, 21603},
		"no Body":                 {twilioForm("Body", ""), 400, 21602},
		"a long Body":             {twilioForm("Body", strings.Repeat("é", 1601)), 400, 21617},
		"a full Body":             {twilioForm("Body", strings.Repeat("é", 1600)), 201, 0},
		"a To without plus":       {twilioForm("To", "4915112345678"), 400, 21211},
		"a To with letters":       {twilioForm("To", "+49151x"), 400, 21211},
		"a long To":               {twilioForm("To", "+4915112345678901"), 400, 21211},
		"a From of odd form":      {twilioForm("From", "Ünïcode"), 400, 21212},
		"a From with a name":      {twilioForm("From", "Otpipe"), 201, 0},
		"an odd service":          {twilioForm("MessagingServiceSid", "MG1"), 400, 21705},
		"no ValidityPeriod":       {twilioForm(), 201, 0},
		"the shortest":            {twilioForm("ValidityPeriod", "1"), 201, 0},
		"the longest":             {twilioForm("ValidityPeriod", "36000"), 201, 0},
		"ValidityPeriod zero":     {twilioForm("ValidityPeriod", "0"), 400, 90007},
		"ValidityPeriod 10 h 1 s": {twilioForm("ValidityPeriod", "36001"), 400, 90007},
		"ValidityPeriod 1.5":      {twilioForm("ValidityPeriod", "1.5"), 400, 90007},
		"Attempt zero":            {twilioForm("Attempt", "0"), 400, 20422},
		"Attempt one":             {twilioForm("Attempt", "1"), 201, 0},
		"RiskCheck maybe":         {twilioForm("RiskCheck", "maybe"), 400, 20422},
		"a callback to a path":    {twilioForm("StatusCallback", "/v1/receipts"), 400, 21609},
		"a callback by ftp":       {twilioForm("StatusCallback", "ftp://a.example/"), 400, 21609},
		"a callback without host": {twilioForm("StatusCallback", "https:///v1"), 400, 21609},
		"a callback to my_host":   {twilioForm("StatusCallback", "https://my_host.example/"), 400, 21609},
		"an unknown parameter":    {twilioForm("to", "+4915112345678"), 400, 20001},
		"an invented parameter":   {twilioForm("IdempotencyKey", "1"), 400, 20001},
		"a doubled parameter":     {twice, 400, 20001},
	} {
		status, got := twilioPost(t, base+twilioPath, c.form, nil)
		code, _ := got["code"].(float64)
		if status != c.status || int(code) != c.code {
			t.Errorf("%s: want %d/%d, have %d/%v", name, c.status, c.code, status, got)
		}
		info := fmt.Sprintf("https://www.twilio.com/docs/errors/%d", c.code)
		if status != 201 && (got["status"] != float64(status) || got["message"] == "" || got["more_info"] != info) {
			t.Errorf("%s: have %v", name, got)
		}
	}
	if n := len(v.Inbox.Messages("")); n != 6 {
		t.Errorf("%d messages were taken", n)
	}
}

func TestTwilioKnowsExactlyTheParametersOfItsOwnFile(t *testing.T) {
	t.Parallel()
	_, base := newTwilio(t)
	params, err := twiliotest.Parameters()
	if err != nil || len(params) < 20 {
		t.Fatal(len(params), err)
	}
	for name, values := range params {
		if status, got := twilioPost(t, base+twilioPath, twilioForm(name+"x", "1"), nil); status != 400 || got["code"] != float64(20001) {
			t.Errorf("%sx: have %d %v", name, status, got)
		}
		for _, v := range values {
			if status, got := twilioPost(t, base+twilioPath, twilioForm(name, fmt.Sprint(v)), nil); status != 201 {
				t.Errorf("%s=%v: have %d %v", name, v, status, got)
			}
		}
		if _, got := twilioPost(t, base+twilioPath, twilioForm(name, "maybe"), nil); got["code"] == float64(20001) {
			t.Errorf("%s is unknown", name)
		} else if len(values) > 0 && got["code"] != float64(20422) {
			t.Errorf("%s=maybe: have %v", name, got)
		}
	}
}

func TestTwilioRefusesStrangers(t *testing.T) {
	t.Parallel()
	v, base := newTwilio(t)
	for name, c := range map[string]struct {
		path         string
		change       func(*http.Request)
		status, code int
	}{
		"no credentials":   {twilioPath, func(r *http.Request) { r.Header.Del("Authorization") }, 401, 20003},
		"a wrong password": {twilioPath, func(r *http.Request) { r.SetBasicAuth(twilioAccount, "guess") }, 401, 20003},
		"an empty user":    {twilioPath, func(r *http.Request) { r.SetBasicAuth("", "") }, 401, 20003},
		"a wrong user":     {twilioPath, func(r *http.Request) { r.SetBasicAuth("SK1", twilioToken) }, 401, 20003},
		"another account":  {"/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json", nil, 404, 20404},
		"another resource": {"/2010-04-01/Accounts/" + twilioAccount + "/Calls.json", nil, 404, 20404},
		"another version":  {"/2008-08-01/Accounts/" + twilioAccount + "/Messages.json", nil, 404, 20404},
		"a GET":            {twilioPath, func(r *http.Request) { r.Method = http.MethodGet }, 405, 20004},
		"JSON": {twilioPath, func(r *http.Request) {
			r.Header.Set("Content-Type", "application/json")
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte("{}"))), 2
		}, 415, 20415},
	} {
		status, got := twilioPost(t, base+c.path, twilioForm(), c.change)
		if status != c.status || got["code"] != float64(c.code) {
			t.Errorf("%s: have %d %v", name, status, got)
		}
	}
	if len(v.Inbox.Messages("")) != 0 {
		t.Error("a stranger's message was taken")
	}
}

func TestTwilioHandsOverEveryFormAsSoonAsItIsRead(t *testing.T) {
	t.Parallel()
	v, base := newTwilio(t)
	var seen []string
	v.OnRequest = func(f url.Values) { seen = append(seen, f.Get("To")) }
	twilioPost(t, base+twilioPath, twilioForm(), nil)
	twilioPost(t, base+twilioPath, twilioForm("To", "1"), nil)
	if diff := cmp.Diff([]string{"+4915112345678", "1"}, seen); diff != "" {
		t.Error(diff)
	}
}

// The vector is twilio-go's, from client/request_validator_test.go.
func TestTwilioSignsAsItsOwnLibrariesExpect(t *testing.T) {
	t.Parallel()
	f := url.Values{
		"Digits": {"1234"}, "CallSid": {"CA1234567890ABCDE"}, "To": {"+18005551212"}, "Caller": {"+14158675309"},
		"From": {"+14158675309"}, "ReasonConferenceEnded": {"test"}, "Reason": {"Participant"},
	}
	if s := devkit.SignTwilio("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", f); s != "vOEb5UThFn24KEfnOFLQY2AE5FY=" {
		t.Errorf("have %s", s)
	}
}

// twilioReceiver keeps the status callbacks it gets.
type twilioReceiver struct {
	mu    sync.Mutex
	forms []url.Values
	cut   int // so many connections are cut first
}

func (c *twilioReceiver) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut > 0 {
		c.cut--
		panic(http.ErrAbortHandler)
	}
	if r.Header.Get("X-Twilio-Signature") == devkit.SignTwilio(twilioToken, "http://"+r.Host+r.RequestURI, r.PostForm) {
		c.forms = append(c.forms, r.PostForm)
	}
}

func TestTwilioReportsSignedStatuses(t *testing.T) {
	t.Parallel()
	for mode, want := range map[devkit.Mode]url.Values{
		devkit.OK:          {"MessageStatus": {"delivered"}, "SmsStatus": {"delivered"}},
		devkit.Undelivered: {"MessageStatus": {"undelivered"}, "SmsStatus": {"undelivered"}, "ErrorCode": {"30003"}},
	} {
		v, base := newTwilio(t)
		_ = v.Chaos.Set("twilio", mode, 0)
		c := &twilioReceiver{cut: 1} // Twilio tries again
		s := httptest.NewServer(c)
		_, got := twilioPost(t, base+twilioPath, twilioForm("StatusCallback", s.URL+"/r?id=VE1&send=1&attempt=1"), nil)
		v.Wait()
		s.Close()
		if len(c.forms) != 2 || c.forms[0].Get("MessageStatus") != "sent" || c.forms[0].Has("ErrorCode") {
			t.Fatalf("%s: have %v", mode, c.forms)
		}
		sid := got["sid"].(string)
		want["AccountSid"], want["ApiVersion"] = []string{twilioAccount}, []string{"2010-04-01"}
		want["MessageSid"], want["SmsSid"] = []string{sid}, []string{sid}
		want["To"], want["From"] = []string{"+4915112345678"}, []string{"+15005550006"}
		if diff := cmp.Diff(want, c.forms[1]); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
		if shown := len(v.Inbox.Messages("")); (shown == 1) != (mode == devkit.OK) {
			t.Errorf("%s: the handset shows %d messages", mode, shown)
		}
	}
}

func TestTwilioTriesACallbackTwiceAndNoMore(t *testing.T) {
	t.Parallel()
	v, base := newTwilio(t)
	var calls atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(s.Close)
	twilioPost(t, base+twilioPath, twilioForm("StatusCallback", s.URL), nil)
	v.Wait()
	if n := calls.Load(); n != 4 {
		t.Errorf("two statuses in %d calls", n)
	}
}

func TestTwilioInTroubleTakesNoMessage(t *testing.T) {
	t.Parallel()
	for mode, want := range map[devkit.Mode]error{devkit.Reset: io.EOF, devkit.Hang: context.DeadlineExceeded} {
		v, base := newTwilio(t)
		_ = v.Chaos.Set("twilio", mode, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, base+twilioPath, strings.NewReader(twilioForm().Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(twilioAccount, twilioToken)
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		cancel()
		if err == nil {
			_ = res.Body.Close()
		}
		if !errors.Is(err, want) || len(v.Inbox.Messages("")) != 0 {
			t.Errorf("%s: have %v", mode, err)
		}
	}
	v, base := newTwilio(t)
	_ = v.Chaos.Set("twilio", devkit.Refuse, 1)
	if status, got := twilioPost(t, base+twilioPath, twilioForm(), nil); status != 503 || got["code"] != float64(20503) {
		t.Errorf("have %d %v", status, got)
	}
}

func TestABadMessageDoesNotUseUpTwiliosTrouble(t *testing.T) {
	t.Parallel()
	v, base := newTwilio(t)
	_ = v.Chaos.Set("twilio", devkit.Refuse, 1)
	twilioPost(t, base+twilioPath, twilioForm("Body", ""), nil)
	if status, _ := twilioPost(t, base+twilioPath, twilioForm(), nil); status != 503 {
		t.Errorf("have %d", status)
	}
}

func TestASlowTwilioAnswersLate(t *testing.T) {
	t.Parallel()
	v, base := newTwilio(t)
	_ = v.Chaos.Set("twilio", devkit.Slow, 1)
	begun := time.Now()
	status, _ := twilioPost(t, base+twilioPath, twilioForm(), nil)
	if took := time.Since(begun); status != 201 || took < v.SlowFor {
		t.Errorf("%d after %s", status, took)
	}
}

// endless is a receiver that answers nobody; it tells when it is asked and when
// the caller is gone.
type endless struct {
	asked chan struct{}
	gone  atomic.Int32
}

func (e *endless) RoundTrip(r *http.Request) (*http.Response, error) {
	e.asked <- struct{}{}
	<-r.Context().Done()
	e.gone.Add(1)
	return nil, r.Context().Err()
}

func TestAClosedTwilioHasGivenUpItsCallbacksAndMakesNoMore(t *testing.T) {
	t.Parallel()
	v, base := newTwilio(t)
	e := &endless{asked: make(chan struct{}, 10)}
	v.HTTP = &http.Client{Transport: e}
	twilioPost(t, base+twilioPath, twilioForm("StatusCallback", "http://receiver.example/"), nil)
	<-e.asked
	v.Close()
	if gone := e.gone.Load(); gone == 0 {
		t.Error("a callback outlives Close")
	}
	before := e.gone.Load()
	twilioPost(t, base+twilioPath, twilioForm("StatusCallback", "http://receiver.example/"), nil)
	v.Wait()
	if e.gone.Load() != before {
		t.Error("a callback after Close")
	}
}

func TestAClosedTwilioLetsHungRequestsGo(t *testing.T) {
	t.Parallel()
	v, base := newTwilio(t)
	_ = v.Chaos.Set("twilio", devkit.Hang, 1)
	v.OnRequest = func(url.Values) { go v.Close() }
	target := strings.Replace(base, "://", "://"+twilioAccount+":"+twilioToken+"@", 1) + twilioPath
	res, err := http.PostForm(target, twilioForm())
	if err == nil {
		_ = res.Body.Close()
		t.Error("a hung request was answered")
	}
}
