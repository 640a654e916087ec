package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Canaries look like what must not be told: a code, a number, a mailbox. No
// answer repeats one, wherever it stood.
const (
	canaryCode  = "739182"
	canaryPhone = "+4915199887766"
	canaryMail  = "canary.person@example.com"
)

var (
	canaries    = []string{canaryCode, canaryPhone, canaryMail, canaryMail + "\r\nX: y", canaryPhone + " " + canaryCode}
	canaryMarks = []string{canaryCode, canaryPhone[1:], "canary"}
)

// sing sends a request, wants no canary in the answer nor in the log, and
// nothing written unless it succeeded.
func sing(r *rig, where string, q request) {
	r.t.Helper()
	before := r.contents()
	a, err := r.try(r.server, q)
	if err != nil {
		r.t.Errorf("%s: %v", where, err)
		return
	}
	a.asked = where
	a.silent(canaryMarks...)
	if a.status >= 300 {
		r.untouched(before, where)
	} else {
		r.pass(25 * time.Minute) // another start may come
	}
}

// quiet fails the test if the log holds a canary.
func quiet(r *rig) {
	r.t.Helper()
	for _, mark := range canaryMarks {
		if strings.Contains(strings.ToLower(r.log.String()), mark) {
			r.t.Errorf("the log tells %s: %s", mark, r.log)
		}
	}
}

func TestNoAnswerRepeatsTheValueOfAField(t *testing.T) {
	t.Parallel()
	for _, op := range operations {
		body, ok := op.body.(fields)
		if !ok {
			continue
		}
		t.Run(op.path, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			for _, canary := range canaries {
				for _, field := range []string{"namespace", "to", "channel", "locale", "params", "binding", "id", "code", "token", "reason", "unknown"} {
					if field == "reason" && strings.HasPrefix(op.path, providers) {
						continue // is for the next operator to read
					}
					for name, v := range map[string]any{
						"alone": canary, "in a list": []any{canary}, "in an object": fields{"a": canary}, "as a name": fields{canary: "a"},
						"long": strings.Repeat(canary+" ", 60), "between": "x" + canary + "x",
					} {
						sing(r, op.path+" "+field+" "+name, request{path: op.path, body: body.with(fields{field: v})})
					}
				}
			}
			quiet(r)
		})
	}
}

func TestNoAnswerRepeatsTheNameOfAField(t *testing.T) {
	t.Parallel()
	for _, op := range operations {
		body, ok := op.body.(fields)
		if !ok {
			continue
		}
		t.Run(op.path, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			for _, canary := range canaries {
				for name, b := range map[string]any{
					"a field":             body.with(fields{canary: "a"}),
					"a field with null":   `{"` + url.QueryEscape(canary) + `":null}`,
					"a doubled field":     `{"` + url.QueryEscape(canary) + `":1,"` + url.QueryEscape(canary) + `":2}`,
					"a param":             body.with(fields{"params": fields{canary: "a"}}),
					"a param of no kind":  body.with(fields{"params": fields{canary: 1}}),
					"a param in a param":  body.with(fields{"params": fields{"brand": fields{canary: 1}}}),
					"the whole body":      `"` + canary + `"`,
					"bare":                canary,
					"an unfinished field": `{"` + canary,
				} {
					sing(r, op.path+" "+name, request{path: op.path, body: b})
				}
			}
			quiet(r)
		})
	}
}

func TestNoAnswerRepeatsAParam(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, canary := range canaries {
		sing(r, "a param's value", request{path: "/v1/verifications", body: toPhone.with(fields{"params": fields{"brand": canary}})})
		sing(r, "an undeclared param's value", request{path: "/v1/verifications", body: toPhone.with(fields{"params": fields{"name": canary}})})
	}
	quiet(r)
}

func TestNoAnswerRepeatsAHeader(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	good := fields{"id": someID, "code": "000000"}
	for _, canary := range []string{canaryCode, canaryPhone, canaryMail, canaryPhone + " " + canaryCode} {
		for _, name := range []string{
			"Authorization", "Idempotency-Key", "Content-Type", "Accept", "Accept-Language", "Accept-Charset", "Cookie", "Origin", "Referer",
			"User-Agent", "If-Match", "If-None-Match", "Prefer", "X-Forwarded-For", "X-Twilio-Signature", "Traceparent", "X-Canary",
			"Access-Control-Request-Method", "Access-Control-Request-Headers", "X-HTTP-Method-Override", "Range",
		} {
			for _, value := range []string{canary, "Bearer " + canary, "application/" + canary, "application/json; " + canary, strings.Repeat(canary+" ", 60)} {
				header := map[string]string{name: value}
				for _, q := range []request{
					{path: "/v1/verifications/check", body: good, header: header},
					{path: "/v1/verifications/check", body: "{", header: header},
					{method: "GET", path: "/v1/verifications/" + someID, header: header},
					{method: "OPTIONS", path: "/v1/verifications", header: header},
					{path: "/nowhere", header: header},
					{path: "/v1/receipts/twilio", header: header},
				} {
					sing(r, q.path+" "+name+": "+value, q)
				}
			}
		}
		sing(r, "a header's name", request{path: "/v1/verifications", body: toPhone, header: map[string]string{"X-" + canaryCode: canary}})
	}
	quiet(r)
}

func TestNoAnswerRepeatsAPathAQueryOrAMethod(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, canary := range []string{canaryCode, canaryPhone, canaryMail} {
		c := url.PathEscape(canary)
		for _, path := range []string{
			"/" + c, "/v1/" + c, "/v1/" + c + "/", "/v1/verifications/" + c, "/v1/verifications/" + c + "/cancel", "/v1/verifications/VE" + c,
			"/v1/verifications/" + strings.Repeat(c, 20), "/v1/receipts/" + c, "/v1/receipts/twilio?id=" + c, "/v1/receipts/twilio/" + c,
			"/v1/verifications?" + c, "/v1/verifications/check?code=" + c, "/v1/verifications/" + someID + "?to=" + c, "/openapi.json/" + c,
			"/v1//verifications/" + c, "/v1/x/../verifications/" + c, "/./" + c, "//" + c,
		} {
			for _, method := range []string{"GET", "POST", "PUT"} {
				for _, key := range []string{keyAll, noKey} {
					sing(r, method+" "+path, request{method: method, path: path, key: key})
				}
			}
		}
	}
	sing(r, "a method", request{method: "GET" + canaryCode, path: "/v1/verifications"})
	sing(r, "a method of nothing", request{method: "GET" + canaryCode, path: "/nowhere"})
	quiet(r)
}

func TestWhatIsToldAtTheEndOfALifeIsNoCodeAndNoAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start(toPhone.with(fields{"binding": "browser-1-binding", "params": fields{"brand": "Canary Inc"}})).want(http.StatusAccepted, "")
	code := r.code(first)
	body := toPhone.with(fields{"binding": "browser-1-binding"})
	r.check(body.with(fields{"code": wrong(code)})).ok()
	r.check(body.with(fields{"code": code})).ok()
	r.get(first.text("id")).ok().silent(append(canaryMarks, "browser-1")...)
	for _, secret := range append(r.hidden(), wrong(code), "browser-1", "ots_", keyAll) {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("the log tells %s", secret)
		}
	}
}
