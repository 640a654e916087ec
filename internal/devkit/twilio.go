package devkit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // #nosec G505 -- the algorithm is Twilio's choice
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Twilio is a Twilio of one account: the part of its Messages API that creates
// messages, and the status callbacks that follow. What Twilio would overlook,
// such as a parameter it does not know, is refused here.
//
// Close it before the server it is mounted on, which waits for requests that hang.
type Twilio struct {
	AccountSID string           // AC…; also the user name of requests
	AuthToken  string           // their password, and the key of the signatures
	KeySID     string           // SK…: the user name of requests with an API key; "" for none
	KeySecret  string           // its password, which signs nothing
	Vendor     string           // its name in Chaos and in the inbox; "" for "twilio"
	Inbox      *Inbox           // gets what the handset would get
	Chaos      *Chaos           // nil: behaves well
	HTTP       *http.Client     // posts the status callbacks; nil: http.DefaultClient
	SlowFor    time.Duration    // how long Slow takes; 0 for two seconds
	OnRequest  func(url.Values) // called with every form as soon as it is read; may be nil

	mu     sync.Mutex
	alive  context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
}

const (
	twilioSlow     = 2 * time.Second
	twilioCallback = 5 * time.Second // deadline of one status callback
	twilioMaxBody  = 1600            // characters
	twilioVersion  = "2010-04-01"
)

// ServeHTTP answers POST /2010-04-01/Accounts/{sid}/Messages.json. Only a
// message that Twilio would take asks Chaos what becomes of it.
func (t *Twilio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	form, err := t.read(r)
	if err != nil {
		err.answer(w)
		return
	}
	switch mode := t.mode(); mode {
	case Refuse:
		twilioDown.answer(w)
	case Reset:
		panic(http.ErrAbortHandler) // net/http cuts the connection
	case Hang:
		t.wait(r, nil)
		panic(http.ErrAbortHandler)
	default:
		t.take(w, r, form, mode)
	}
}

// Wait returns when the status callbacks of all answered messages are out.
func (t *Twilio) Wait() { t.work.Wait() }

// Close gives up what is under way and waits until it is gone. Requests that
// come later are answered, but nothing follows.
func (t *Twilio) Close() {
	t.life()
	t.mu.Lock()
	t.cancel()
	t.mu.Unlock()
	t.work.Wait()
}

// background runs f so that Wait and Close wait for it.
func (t *Twilio) background(f func()) {
	alive := t.life()
	t.mu.Lock()
	defer t.mu.Unlock()
	if alive.Err() == nil {
		t.work.Go(f)
	}
}

// life ends with Close.
func (t *Twilio) life() context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.alive == nil {
		t.alive, t.cancel = context.WithCancel(context.Background())
	}
	return t.alive
}

func (t *Twilio) vendor() string { return cmp.Or(t.Vendor, "twilio") }

func (t *Twilio) mode() Mode {
	if t.Chaos == nil {
		return OK
	}
	return t.Chaos.Next(t.vendor())
}

// wait waits for over, for the caller to hang up, or for Close.
func (t *Twilio) wait(r *http.Request, over <-chan time.Time) {
	select {
	case <-over:
	case <-r.Context().Done():
	case <-t.life().Done():
	}
}

// take makes a message of the form, answers, and reports what becomes of it.
// Whoever is too impatient for a slow answer will get reports all the same. The
// inbox is the handset: what is not delivered does not show there.
func (t *Twilio) take(w http.ResponseWriter, r *http.Request, form url.Values, mode Mode) {
	m := newTwilioMessage(t.AccountSID, form)
	if mode != Undelivered {
		t.Inbox.Add(Message{To: form.Get("To"), Channel: "sms", Provider: t.vendor(), Body: form.Get("Body")})
	}
	answered := make(chan struct{})
	defer close(answered)
	t.background(func() {
		<-answered
		t.report(m, mode)
	})
	if mode == Slow {
		t.wait(r, time.After(cmp.Or(t.SlowFor, twilioSlow)))
	}
	writeTwilio(w, http.StatusCreated, m.json())
	_ = http.NewResponseController(w).Flush() // reports follow the answer
}

// report tells what the carrier said: 30003 is a handset that is switched off.
func (t *Twilio) report(m twilioMessage, mode Mode) {
	t.callback(m, "sent", "")
	if mode == Undelivered {
		t.callback(m, "undelivered", "30003")
	} else {
		t.callback(m, "delivered", "")
	}
}

// callback tells a status, and tells it once more if the connection fails: as
// often as Twilio does.
func (t *Twilio) callback(m twilioMessage, status, errorCode string) {
	target := m.form.Get("StatusCallback")
	if target == "" {
		return
	}
	if form := m.status(status, errorCode); t.post(target, form) != nil {
		_ = t.post(target, form)
	}
}

// post sends one signed status callback. No answer is an error, any answer is none.
func (t *Twilio) post(target string, form url.Values) error {
	ctx, cancel := context.WithTimeout(t.life(), twilioCallback)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", SignTwilio(t.AuthToken, target, form))
	res, err := cmp.Or(t.HTTP, http.DefaultClient).Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.Body.Close()
}

// SignTwilio makes the X-Twilio-Signature of a POST: HMAC-SHA1 under the auth
// token over the URL and the form, its keys in order, each followed by its
// value (Twilio, "Webhooks security"). Every key has one value.
func SignTwilio(authToken, target string, form url.Values) string {
	h := hmac.New(sha1.New, []byte(authToken))
	_, _ = io.WriteString(h, target)
	for _, key := range slices.Sorted(maps.Keys(form)) {
		_, _ = io.WriteString(h, key+form.Get(key))
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// twilioMessage is a Message resource.
type twilioMessage struct {
	account, sid string
	form         url.Values
	created      time.Time
}

func newTwilioMessage(account string, form url.Values) twilioMessage {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return twilioMessage{account, "SM" + hex.EncodeToString(b[:]), form, time.Now().UTC()}
}

// json is the resource as the API shows it when it is new. With a messaging
// service, the sender is still to be found and nothing is queued.
func (m twilioMessage) json() map[string]any {
	uri := "/" + twilioVersion + "/Accounts/" + m.account + "/Messages/" + m.sid
	made := map[string]any{
		"account_sid": m.account, "api_version": twilioVersion, "sid": m.sid, "uri": uri + ".json",
		"body": m.form.Get("Body"), "to": m.form.Get("To"), "from": null(m.form.Get("From")),
		"messaging_service_sid": null(m.form.Get("MessagingServiceSid")),
		"status":                "queued", "num_segments": "1", "num_media": "0", "direction": "outbound-api",
		"date_created": m.created.Format(time.RFC1123Z), "date_updated": m.created.Format(time.RFC1123Z), "date_sent": nil,
		"error_code": nil, "error_message": nil, "price": nil, "price_unit": "USD",
		"subresource_uris": map[string]string{"media": uri + "/Media.json"},
	}
	if m.form.Has("MessagingServiceSid") {
		made["status"], made["num_segments"] = "accepted", "0"
	}
	return made
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// status is the form of a status callback.
func (m twilioMessage) status(status, errorCode string) url.Values {
	form := url.Values{
		"AccountSid": {m.account}, "ApiVersion": {twilioVersion}, "To": {m.form.Get("To")},
		"MessageSid": {m.sid}, "MessageStatus": {status}, "SmsSid": {m.sid}, "SmsStatus": {status},
	}
	for key, value := range map[string]string{
		"From": m.form.Get("From"), "MessagingServiceSid": m.form.Get("MessagingServiceSid"), "ErrorCode": errorCode,
	} {
		if value != "" {
			form.Set(key, value)
		}
	}
	return form
}

// twilioError is an error as the API answers it.
type twilioError struct {
	status, code int
	message      string
}

var twilioDown = &twilioError{503, 20503, "Service unavailable"}

func (e *twilioError) answer(w http.ResponseWriter) {
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	writeTwilio(w, e.status, map[string]any{
		"status": e.status, "code": e.code, "message": e.message,
		"more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", e.code),
	})
}

func writeTwilio(w http.ResponseWriter, status int, body map[string]any) {
	var b bytes.Buffer
	_ = json.NewEncoder(&b).Encode(body) // maps of strings and numbers always encode
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// read returns the form of a request that Twilio would take.
func (t *Twilio) read(r *http.Request) (url.Values, *twilioError) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method == http.MethodPost && kind != "application/x-www-form-urlencoded" {
		return nil, &twilioError{415, 20415, "Content-Type must be application/x-www-form-urlencoded"}
	}
	if err := r.ParseForm(); err != nil {
		return nil, &twilioError{400, 20001, "The body is not a form"}
	}
	if t.OnRequest != nil {
		t.OnRequest(r.PostForm)
	}
	if err := t.admit(r); err != nil {
		return nil, err
	}
	return r.PostForm, checkTwilio(r.PostForm)
}

// admit checks who asks for what.
func (t *Twilio) admit(r *http.Request) *twilioError {
	path, ok := strings.CutPrefix(r.URL.Path, "/"+twilioVersion+"/Accounts/")
	account, found := strings.CutSuffix(path, "/Messages.json")
	switch {
	case !ok || !found:
		return &twilioError{404, 20404, "The requested resource " + r.URL.Path + " was not found"}
	case r.Method != http.MethodPost:
		return &twilioError{405, 20004, "Method not allowed"}
	case !t.opens(r.BasicAuth()):
		return &twilioError{401, 20003, "Authenticate"}
	case account != t.AccountSID:
		return &twilioError{404, 20404, "The requested resource " + r.URL.Path + " was not found"}
	}
	return nil
}

// opens tells whether credentials are the account's or its API key's.
func (t *Twilio) opens(user, password string, _ bool) bool {
	return user == t.AccountSID && password == t.AuthToken || t.KeySID != "" && user == t.KeySID && password == t.KeySecret
}

// checkTwilio applies Twilio's rules. Like Twilio, its errors quote what they refuse.
func checkTwilio(form url.Values) *twilioError {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		accepts, known := twilioParams[name]
		switch values := form[name]; {
		case !known:
			return &twilioError{400, 20001, "Unknown parameter " + name}
		case len(values) > 1:
			return &twilioError{400, 20001, "Parameter " + name + " given twice"}
		case accepts != nil && !accepts(values[0]):
			return &twilioError{400, 20422, "Invalid parameter " + name + ": " + values[0]}
		}
	}
	for _, rule := range twilioRules {
		if value := form.Get(rule.param); !rule.holds(form, value) {
			return &twilioError{400, rule.code, strings.ReplaceAll(rule.message, "%", value)}
		}
	}
	return nil
}

// twilioParams are the parameters of CreateMessage in Twilio's OpenAPI file,
// with the values they accept; nil accepts all, or has a rule with a code of its
// own below.
var twilioParams = map[string]func(string) bool{
	"To": nil, "From": nil, "FallbackFrom": nil, "MessagingServiceSid": nil, "ApplicationSid": nil,
	"Body": nil, "MediaUrl": nil, "ContentSid": nil, "ContentVariables": nil, "PersistentAction": nil,
	"StatusCallback": nil, "ValidityPeriod": nil, "MaxPrice": nil, "SendAt": nil,
	"Attempt":          func(s string) bool { return between(s, 1, 1<<31-1) },
	"ProvideFeedback":  oneOf("true", "false"),
	"ForceDelivery":    oneOf("true", "false"),
	"SmartEncoded":     oneOf("true", "false"),
	"ShortenUrls":      oneOf("true", "false"),
	"SendAsMms":        oneOf("true", "false"),
	"ScheduleType":     oneOf("fixed"),
	"TrafficType":      oneOf("free"),
	"RiskCheck":        oneOf("enable", "disable"),
	"ContentRetention": oneOf("retain", "discard"),
	"AddressRetention": oneOf("retain", "obfuscate"),
}

func oneOf(values ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(values, s) }
}

func between(s string, least, most int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && least <= n && n <= most
}

var (
	twilioNumber  = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
	twilioSender  = regexp.MustCompile(`^(\+[1-9]\d{6,14}|\d{3,8}|[A-Za-z0-9 ]{1,11})$`)
	twilioService = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
)

// twilioRules are tried in order; the first that does not hold is the answer.
// In a message, % stands for the value of the parameter.
var twilioRules = []struct {
	param   string
	holds   func(form url.Values, value string) bool
	code    int
	message string
}{
	{"To", given, 21604, "A 'To' phone number is required."},
	{"From", func(f url.Values, v string) bool { return v != "" || f.Get("MessagingServiceSid") != "" }, 21603, "A 'From' phone number is required."},
	{"Body", given, 21602, "Message body is required."},
	{"Body", func(_ url.Values, v string) bool { return utf8.RuneCountInString(v) <= twilioMaxBody }, 21617, "The concatenated message body exceeds the 1600 character limit"},
	{"To", matches(twilioNumber), 21211, "Invalid 'To' Phone Number: %"},
	{"From", matches(twilioSender), 21212, "Invalid From Number (caller ID): %"},
	{"MessagingServiceSid", matches(twilioService), 21705, "The Messaging Service Sid % is invalid."},
	{"ValidityPeriod", func(f url.Values, v string) bool { return !f.Has("ValidityPeriod") || between(v, 1, 36000) }, 90007, "The validity period % is outside the supported range"},
	{"StatusCallback", callable, 21609, "The StatusCallback URL % is not a valid URL."},
}

func given(_ url.Values, value string) bool { return value != "" }

// matches holds for a parameter that is not given, too.
func matches(form *regexp.Regexp) func(url.Values, string) bool {
	return func(_ url.Values, value string) bool { return value == "" || form.MatchString(value) }
}

// callable is a URL with a host name that has no underscores, as Twilio wants it.
func callable(_ url.Values, value string) bool {
	if value == "" {
		return true
	}
	u, err := url.Parse(value)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && !strings.Contains(u.Hostname(), "_")
}
