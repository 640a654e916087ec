package devkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

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

const twilioMaxBody = 1600 // characters

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
