package attack_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/processtest"
)

func receipts() []attack {
	return []attack{
		{name: "forged receipts of Twilio", what: "receipts with a signature that is not theirs", due: "", play: forgedTwilio},
		{name: "receipts of Twilio about another message", what: "receipts, all signed", due: "", play: foreignTwilio},
		{name: "receipts repeated, out of order, 100 at once", what: "receipts, all signed", due: "one `sent` and one `delivered` an attempt", play: replayedReceipts},
		{name: "forged receipts of a webhook", what: "receipts with a signature, a body or a time that is not theirs", due: "", play: forgedWebhook},
	}
}

// report is a status callback of Twilio.
type report struct {
	path, query string
	form        url.Values
	signature   string
	header      http.Header
}

// taken is a verification whose text a vendor has taken, and not reported on.
func (r *raid) taken(namespace string) (id, to string) {
	r.Helper()
	to = r.phone()
	id, _ = r.code(r, namespace, to)
	processtest.Until(r, time.Minute, "the text is taken", func() bool { return r.owner.get(r, id).Delivery.Status == "accepted" })
	return id, to
}

// genuine is what Twilio would say about the first attempt.
func (r *raid) genuine(id, to, status string) report {
	r.Helper()
	sid := r.owner.get(r, id).ref()
	rep := report{
		path: "/v1/receipts/twilio", query: "id=" + id + "&send=1&attempt=1", header: http.Header{},
		form: url.Values{
			"AccountSid": {account}, "ApiVersion": {"2010-04-01"}, "To": {to}, "From": {"+15005550006"}, "MessageSid": {sid},
			"MessageStatus": {status}, "SmsSid": {sid}, "SmsStatus": {status},
		},
	}
	return rep.signed(r.token)
}

func (rep report) signed(token string) report {
	rep.signature = devkit.SignTwilio(token, publicURL+rep.path+"?"+rep.query, rep.form)
	return rep
}

// post sends a receipt as it is.
func (r *raid) report(rep report) answer {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://"+r.at+rep.path+"?"+rep.query, strings.NewReader(rep.form.Encode()))
	if err != nil {
		r.Fatal(err)
	}
	req.Header = rep.header.Clone()
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if rep.signature != "" {
		req.Header.Set("X-Twilio-Signature", rep.signature)
	}
	return r.owner.ask(req)
}

// refused sends a receipt that is not to be believed.
func (r *raid) refused(what string, rep report) {
	r.Helper()
	r.tries(1)
	if a := r.report(rep); a.status != http.StatusForbidden && a.status != http.StatusNotFound {
		r.broken("%s: %v", what, a)
	}
}

func forgedTwilio(r *raid) {
	id, to := r.taken("open")
	otherID, _ := r.taken("open")
	good := r.genuine(id, to, "delivered")
	with := func(change func(*report)) report {
		rep := good
		rep.form, rep.header = url.Values{}, http.Header{}
		for k, v := range good.form {
			rep.form[k] = slices.Clone(v)
		}
		change(&rep)
		return rep
	}
	for i := range good.signature {
		r.refused("a signature cut off", with(func(rep *report) { rep.signature = good.signature[:i] }))
		r.refused("a letter changed", with(func(rep *report) {
			rep.signature = good.signature[:i] + other(good.signature[i]) + good.signature[i+1:]
		}))
	}
	for what, change := range map[string]func(*report){
		"no signature":         func(rep *report) { rep.signature = "" },
		"another token":        func(rep *report) { *rep = rep.signed(inHex(16)) },
		"an empty token":       func(rep *report) { *rep = rep.signed("") },
		"the account as token": func(rep *report) { *rep = rep.signed(account) },
		"in lower case":        func(rep *report) { rep.signature = strings.ToLower(rep.signature) },
		"signed twice":         func(rep *report) { rep.signature += "," + rep.signature },
		"a second signature":   func(rep *report) { rep.header["X-Twilio-Signature"] = []string{"x", rep.signature}; rep.signature = "" },
		"base64url": func(rep *report) {
			rep.signature = strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(rep.signature) + "~"
		},
		"another verification":              func(rep *report) { rep.query = strings.Replace(rep.query, id, otherID, 1) },
		"another attempt":                   func(rep *report) { rep.query = strings.Replace(rep.query, "attempt=1", "attempt=2", 1) },
		"one more parameter":                func(rep *report) { rep.query += "&x=1" },
		"the verification twice":            func(rep *report) { rep.query = "id=" + otherID + "&" + rep.query },
		"parameters in another order":       func(rep *report) { rep.query = "send=1&attempt=1&id=" + id },
		"no parameters":                     func(rep *report) { rep.query = "" },
		"a letter of them escaped":          func(rep *report) { rep.query = strings.Replace(rep.query, "send", "%73end", 1) },
		"another provider":                  func(rep *report) { rep.path = "/v1/receipts/gateway" },
		"a provider that there is not":      func(rep *report) { rep.path = "/v1/receipts/nobody" },
		"another status":                    func(rep *report) { rep.form.Set("MessageStatus", "undelivered") },
		"another account":                   func(rep *report) { rep.form.Set("AccountSid", "AC"+inHex(16)) },
		"one more field":                    func(rep *report) { rep.form.Set("ErrorCode", "30003") },
		"a field less":                      func(rep *report) { rep.form.Del("ApiVersion") },
		"the status twice, the first other": func(rep *report) { rep.form["MessageStatus"] = []string{"undelivered", "delivered"} },
		"signed for another host": func(rep *report) {
			rep.signature = devkit.SignTwilio(r.token, "https://evil.example"+rep.path+"?"+rep.query, rep.form)
		},
		"signed for the host that the request names": func(rep *report) {
			rep.signature = devkit.SignTwilio(r.token, "http://"+r.at+rep.path+"?"+rep.query, rep.form)
			rep.header.Set("X-Forwarded-Host", r.at)
			rep.header.Set("X-Forwarded-Proto", "http")
		},
		"signed without the query": func(rep *report) { rep.signature = devkit.SignTwilio(r.token, publicURL+rep.path, rep.form) },
	} {
		r.refused(what, with(change))
	}
	if got := r.owner.get(r, id).states(); slices.Contains(got, "delivered") || slices.Contains(got, "undelivered") {
		r.broken("the time line has %q", got)
	}
	if a := r.report(good); a.status != http.StatusNoContent || !slices.Contains(r.owner.get(r, id).states(), "delivered") {
		r.Errorf("the genuine one was not believed: %v", a)
	}
}

// other is another letter of base64.
func other(letter byte) string {
	if letter == 'A' {
		return "B"
	}
	return "A"
}

// foreignTwilio sends what is signed with the token and yet about nothing, or
// about something else than it says.
func foreignTwilio(r *raid) {
	id, to := r.taken("open")
	otherID, otherTo := r.taken("open")
	gatewayID, _ := r.taken("relayed")
	good, theirs := r.genuine(id, to, "delivered"), r.genuine(otherID, otherTo, "delivered")
	before := fmt.Sprint(r.owner.get(r, id).Timeline, r.owner.get(r, otherID).Timeline, r.owner.get(r, gatewayID).Timeline)
	for what, change := range map[string]func(*report){
		"another message's sid":   func(rep *report) { rep.form.Set("MessageSid", theirs.form.Get("MessageSid")) },
		"another verification":    func(rep *report) { rep.query = strings.Replace(rep.query, id, otherID, 1) },
		"one of another provider": func(rep *report) { rep.query = strings.Replace(rep.query, id, gatewayID, 1) },
		"one that there is not":   func(rep *report) { rep.query = strings.Replace(rep.query, id, "VE00"+inHex(15), 1) },
		"an attempt that is not":  func(rep *report) { rep.query = strings.Replace(rep.query, "attempt=1", "attempt=2", 1) },
		"the attempt 0":           func(rep *report) { rep.query = strings.Replace(rep.query, "attempt=1", "attempt=0", 1) },
		"a send that is not":      func(rep *report) { rep.query = strings.Replace(rep.query, "send=1", "send=2", 1) },
		"an attempt below 0":      func(rep *report) { rep.query = strings.Replace(rep.query, "attempt=1", "attempt=-1", 1) },
		"an attempt too large": func(rep *report) {
			rep.query = strings.Replace(rep.query, "attempt=1", "attempt=99999999999999999999", 1)
		},
		"another account":             func(rep *report) { rep.form.Set("AccountSid", "AC"+inHex(16)) },
		"a status that is none":       func(rep *report) { rep.form.Set("MessageStatus", "delivered\nx") },
		"a sid that is none":          func(rep *report) { rep.form.Set("MessageSid", "SM{{1}} x") },
		"an id with a line in it":     func(rep *report) { rep.query = "id=" + url.QueryEscape(id+"\r\nDEL x") + "&send=1&attempt=1" },
		"key and value cut elsewhere": func(rep *report) { rep.form.Del("MessageStatus"); rep.form.Set("MessageStatusdel", "ivered") },
	} {
		rep := good
		rep.form = url.Values{}
		for k, v := range good.form {
			rep.form[k] = slices.Clone(v)
		}
		change(&rep)
		r.tries(1)
		if a := r.report(rep.signed(r.token)); a.status != http.StatusNoContent {
			r.Errorf("%s: %v", what, a)
		}
		if after := fmt.Sprint(r.owner.get(r, id).Timeline, r.owner.get(r, otherID).Timeline, r.owner.get(r, gatewayID).Timeline); after != before {
			r.broken("%s: %s", what, after)
			before = after
		}
	}
}

func replayedReceipts(r *raid) {
	for range either(2, 20) {
		id, to := r.taken("open")
		all := []report{r.genuine(id, to, "sent"), r.genuine(id, to, "delivered"), r.genuine(id, to, "undelivered"), r.genuine(id, to, "queued")}
		r.report(all[0])
		r.report(all[1])
		r.tries(crowd)
		r.atOnce(crowd, func(i int) { r.report(all[i%len(all)]) })
		r.may += 2
		for _, state := range r.owner.get(r, id).states() {
			if state != "sending" && state != "accepted" {
				r.through(1)
			}
		}
		if v := r.owner.get(r, id); v.Delivery.Status != "delivered" {
			r.Errorf("it is %s now", v.Delivery.Status)
		}
	}
}

// said is a receipt of the gateway.
type said struct {
	id, at, signature, body string
}

// sign makes the signature of the standard.
func (s said) sign(secret string) said {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", s.id, s.at, s.body)
	s.signature = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return s
}

func (r *raid) say(s said) answer {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://"+r.at+"/v1/receipts/gateway", bytes.NewReader([]byte(s.body)))
	if err != nil {
		r.Fatal(err)
	}
	req.Header["Webhook-Id"], req.Header["Webhook-Timestamp"] = []string{s.id}, []string{s.at}
	req.Header["Webhook-Signature"] = []string{s.signature}
	return r.owner.ask(req)
}

func forgedWebhook(r *raid) {
	id, _ := r.taken("relayed")
	now := time.Now().Unix()
	good := said{id: "receipt-1", at: strconv.FormatInt(now, 10), body: `{"message":"` + id + `-1-1","status":"delivered"}`}.sign(r.secret)
	all := map[string]said{}
	for i := range good.signature {
		all[fmt.Sprint("cut off at ", i)] = said{good.id, good.at, good.signature[:i], good.body}
	}
	with := func(what string, change func(*said)) {
		s := good
		change(&s)
		all[what] = s
	}
	with("another body", func(s *said) { s.body = strings.Replace(s.body, "delivered", "undelivered", 1) })
	with("another id", func(s *said) { s.id = "receipt-2" })
	with("no id", func(s *said) { s.id = ""; *s = s.sign(r.secret) })
	with("another time", func(s *said) { s.at = strconv.FormatInt(now+1, 10) })
	with("six minutes old", func(s *said) { s.at = strconv.FormatInt(now-360, 10); *s = s.sign(r.secret) })
	with("six minutes ahead", func(s *said) { s.at = strconv.FormatInt(now+360, 10); *s = s.sign(r.secret) })
	with("no time", func(s *said) { s.at = ""; *s = s.sign(r.secret) })
	with("a time that is none", func(s *said) { s.at = "now"; *s = s.sign(r.secret) })
	with("another secret", func(s *said) { *s = s.sign("whsec_" + base64.StdEncoding.EncodeToString(random(32))) })
	with("no secret", func(s *said) { *s = s.sign("") })
	with("another version", func(s *said) { s.signature = strings.Replace(s.signature, "v1,", "v0,", 1) })
	with("no version", func(s *said) { s.signature = strings.TrimPrefix(s.signature, "v1,") })
	with("a dot moved", func(s *said) { s.id, s.at = "receipt-1."+s.at[:2], s.at[2:] })
	with("parts with commas", func(s *said) { s.signature = strings.ReplaceAll(s.signature, "+", " ") + "," })
	for what, s := range all {
		r.tries(1)
		if a := r.say(s); a.status != http.StatusForbidden {
			r.broken("%s: %v", what, a)
		}
	}
	if got := r.owner.get(r, id).states(); slices.Contains(got, "delivered") || slices.Contains(got, "undelivered") {
		r.broken("the time line has %q", got)
	}
	if a := r.say(good); a.status != http.StatusNoContent || !slices.Contains(r.owner.get(r, id).states(), "delivered") {
		r.Errorf("the genuine one was not believed: %v", a)
	}
}
