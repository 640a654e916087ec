package httpapi_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

const someID = "VE000123456789abcdef0123456789abcd"

// operations are all operations of the contract that need a key.
var operations = []struct {
	scope        otp.Scope
	method, path string
	body         any
	good         int    // status for who may
	code         string // of it
}{
	{otp.ScopeSend, "POST", "/v1/verifications", toPhone, 202, ""},
	{otp.ScopeSend, "POST", "/v1/verifications/" + someID + "/cancel", nil, 404, "verification_not_found"},
	{otp.ScopeCheck, "POST", "/v1/verifications/check", fields{"id": someID, "code": "739182"}, 200, ""},
	{otp.ScopeCheck, "POST", "/v1/sessions/introspect", toPhone.with(fields{"token": "x"}), 200, ""},
	{otp.ScopeCheck, "POST", "/v1/sessions/consume", toPhone.with(fields{"token": "x"}), 200, ""},
	{otp.ScopeRead, "GET", "/v1/verifications/" + someID, nil, 404, "verification_not_found"},
	{otp.ScopeRead, "POST", "/v1/verifications/search", fields{"to": phone}, 200, ""},
	{otp.ScopeOperate, "POST", "/v1/recipients/unlock", toPhone.with(fields{"reason": "ticket"}), 200, ""},
	{otp.ScopeOperate, "GET", providers, nil, 200, ""},
	{otp.ScopeOperate, "POST", providers + "/twilio/drain", fields{"reason": "maintenance"}, 200, ""},
	{otp.ScopeOperate, "POST", providers + "/twilio/resume", fields{"reason": "maintenance"}, 200, ""},
	{otp.ScopeFactors, "POST", factors, toEnrol, 201, ""},
	{otp.ScopeFactors, "GET", factors + whose, nil, 200, ""},
	{otp.ScopeFactors, "GET", factors + "/" + someFactor, nil, 404, "factor_not_found"},
	{otp.ScopeFactors, "DELETE", factors + "/" + someFactor, nil, 404, "factor_not_found"},
	{otp.ScopeFactors, "POST", factors + "/" + someFactor + "/confirm", fields{"code": "739182"}, 404, "factor_not_found"},
	{otp.ScopeFactors, "POST", factors + "/" + someFactor + "/recovery-codes", nil, 404, "factor_not_found"},
	{otp.ScopeCheck, "POST", factors + "/" + someFactor + "/check", fields{"code": "739182"}, 404, "factor_not_found"},
	{otp.ScopeAudit, "POST", "/v1/audit/search", fields{"to": phone}, 200, ""},
}

const providers = "/v1/providers"

// scopes are those that may, each by itself: who looks verifications up may see
// how the providers stand.
func scopes(path string, mine otp.Scope) []otp.Scope {
	if path == providers {
		return []otp.Scope{mine, otp.ScopeRead}
	}
	return []otp.Scope{mine}
}

func TestEveryOperationTakesAKnownKeyAsBearer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, op := range operations {
		for name, header := range map[string]string{
			"no key":            "",
			"unknown key":       "Bearer otk_unknown",
			"another scheme":    "Basic " + keyAll,
			"no scheme":         keyAll,
			"no key in it":      "Bearer",
			"an empty key":      "Bearer ",
			"the hash of a key": "Bearer " + "hash",
			"two keys":          "Bearer " + keyAll + " " + keyAll,
			"a key and more":    "Bearer " + keyAll + "x",
			"in upper case":     "Bearer " + strings.ToUpper(keyAll),
		} {
			if name == "the hash of a key" {
				for hash := range keyring() {
					header = "Bearer " + hash
				}
			}
			q := request{method: op.method, path: op.path, body: op.body, key: noKey}
			if header != "" {
				q.header = map[string]string{"Authorization": header}
			}
			a := r.do(q)
			if a.status != http.StatusUnauthorized || a.text("code") != "unauthenticated" || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s: %s: %d %s", a.asked, name, a.status, a.raw)
			}
		}
	}
	r.untouched(map[string]string{}, "requests of strangers")
}

func TestTheSchemeIsWrittenInAnyCase(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		r.do(request{method: "GET", path: "/v1/verifications/" + someID, key: noKey, header: map[string]string{"Authorization": scheme + " " + keyAll}}).
			want(http.StatusNotFound, "verification_not_found")
	}
}

func TestEveryOperationTakesItsScopeAndNoOther(t *testing.T) {
	t.Parallel()
	for _, op := range operations {
		t.Run(op.method+" "+op.path, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			for _, s := range otp.Scopes {
				if !slices.Contains(scopes(op.path, op.scope), s) {
					r.do(request{method: op.method, path: op.path, body: op.body, key: keyOf(s)}).want(http.StatusForbidden, "insufficient_scope")
				}
			}
			r.untouched(map[string]string{}, "requests without the scope")
			for _, s := range scopes(op.path, op.scope) {
				r.do(request{method: op.method, path: op.path, body: op.body, key: keyOf(s)}).want(op.good, op.code)
			}
		})
	}
}

func TestStrangersLearnNothingOfWhatIsWrongWithTheirBody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, op := range operations {
		if op.method != "POST" {
			continue
		}
		for name, body := range map[string]string{
			"broken": "{", "empty": "", "huge": `{"to":"` + string(bytes.Repeat([]byte("a"), 1<<20)) + `"}`, "unknown field": `{"nope":1}`,
		} {
			for key, want := range map[string]int{noKey: 401, "otk_unknown": 401, keyOf(others(op.scope)): 403} {
				a := r.do(request{method: op.method, path: op.path, body: body, key: key})
				if a.status != want {
					t.Errorf("%s: %s body by %s: %d", a.asked, name, key, a.status)
				}
				if _, has := a.body["errors"]; has {
					t.Errorf("%s: %s", a.asked, a.raw)
				}
			}
		}
	}
	r.untouched(map[string]string{}, "requests of strangers")
}

// others is a scope that is not s.
func others(s otp.Scope) otp.Scope {
	if s == otp.ScopeRead {
		return otp.ScopeSend
	}
	return otp.ScopeRead
}

func TestAKeyWorksInItsNamespacesOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, ns := range []string{"verify-email", "no-such"} { // what it may not is not told apart from what there is not
		named := fields{"namespace": ns, "to": mailbox}
		for path, body := range map[string]fields{
			"/v1/verifications":       named,
			"/v1/verifications/check": named.with(fields{"code": "739182"}),
			"/v1/sessions/introspect": named.with(fields{"token": "x"}),
			"/v1/sessions/consume":    named.with(fields{"token": "x"}),
			"/v1/recipients/unlock":   named.with(fields{"reason": "ticket"}),
		} {
			r.do(request{path: path, body: body, key: keyPhone}).want(http.StatusForbidden, "namespace_not_allowed")
		}
	}
	r.untouched(map[string]string{}, "requests for another namespace")
	r.do(request{path: "/v1/verifications", body: toPhone, key: keyPhone}).want(http.StatusAccepted, "")
}

func TestAnIDOfAForeignNamespaceIsUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, code := r.started(toMail)
	before := r.contents()
	foreign := func(method, path string, body any, id string) answer {
		return r.do(request{method: method, path: strings.ReplaceAll(path, "ID", id), body: body, key: keyPhone})
	}
	for _, op := range []struct{ method, path string }{{"GET", "/v1/verifications/ID"}, {"POST", "/v1/verifications/ID/cancel"}} {
		a := foreign(op.method, op.path, nil, id).want(http.StatusNotFound, "verification_not_found")
		if b := foreign(op.method, op.path, nil, someID); b.text("detail") != a.text("detail") {
			t.Errorf("%q tells a foreign id from an unknown one, %q", a.text("detail"), b.text("detail"))
		}
	}
	for _, c := range []string{code, wrong(code), "12"} {
		a := foreign("POST", "/v1/verifications/check", fields{"id": id, "code": c}, "").ok()
		if b := foreign("POST", "/v1/verifications/check", fields{"id": someID, "code": c}, ""); a.raw != b.raw || a.text("reason") != "not_found" {
			t.Errorf("a foreign id: %s; an unknown one: %s", a.raw, b.raw)
		}
	}
	r.untouched(before, "requests for foreign ids")
	if a := r.check(fields{"id": id, "code": code}).ok(); a.body["checks_left"] != 4.0 {
		t.Errorf("%s", a.raw)
	}
}
