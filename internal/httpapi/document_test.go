package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

// documented are the operations of the served document and their scopes.
func documented(t *testing.T, r *rig) map[string][]string {
	t.Helper()
	doc := r.do(request{method: http.MethodGet, path: "/openapi.json", key: noKey}).ok()
	if v := doc.text("openapi"); !strings.HasPrefix(v, "3.1.") {
		t.Errorf("OpenAPI %q", v)
	}
	all := map[string][]string{}
	for path, item := range doc.body["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			name := strings.ToUpper(method) + " " + path
			all[name] = []string{}
			security, _ := op.(map[string]any)["security"].([]any)
			for _, alternative := range security {
				for scheme, scopes := range alternative.(map[string]any) {
					schemes := doc.body["components"].(map[string]any)["securitySchemes"].(map[string]any)
					if _, defined := schemes[scheme]; !defined {
						t.Errorf("%s: security scheme %s is not defined", name, scheme)
					}
					for _, s := range scopes.([]any) {
						all[name] = append(all[name], s.(string))
					}
				}
			}
		}
	}
	return all
}

func TestTheDocumentListsEveryOperationWithItsScopes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	want := map[string][]string{}
	for _, op := range operations {
		var all []string
		for _, s := range scopes(op.path, op.scope) {
			all = append(all, string(s))
		}
		want[op.method+" "+strings.NewReplacer(someID, "{id}", someFactor, "{id}", whose, "", "/twilio/", "/{name}/").Replace(op.path)] = all
	}
	want["POST /v1/receipts/{provider}"] = []string{}
	got := documented(t, r)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for name, scopes := range got {
		for _, s := range scopes {
			if !slices.Contains(otp.Scopes, otp.Scope(s)) {
				t.Errorf("%s: no such scope %s", name, s)
			}
		}
	}
}

func TestEveryOperationOfTheDocumentIsServedToWhoHasAKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, scopes := range documented(t, r) {
		method, path, _ := strings.Cut(name, " ")
		if len(scopes) == 0 {
			continue // for providers, who sign instead
		}
		r.do(request{method: method, path: strings.ReplaceAll(path, "{id}", someID), key: noKey}).want(http.StatusUnauthorized, "unauthenticated")
	}
}

func TestTheDocumentNamesEveryFieldOfAnAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	doc := r.do(request{method: http.MethodGet, path: "/openapi.json", key: noKey}).ok()
	schemas := doc.body["components"].(map[string]any)["schemas"].(map[string]any)
	first := r.start(toPhone).want(http.StatusAccepted, "")
	code := r.code(first)
	right := r.check(toPhone.with(fields{"code": code})).ok()
	r.start(toMail).want(http.StatusAccepted, "")
	for name, a := range map[string]answer{
		"Started": first, "Told": r.get(first.text("id")).ok(), "Checked": right,
		"SessionState": r.session("introspect", toPhone.with(fields{"token": right.token()})).ok(),
		"Problem":      r.start(toMail).want(http.StatusTooManyRequests, "cooldown_active"),
	} {
		schema, ok := schemas[name].(map[string]any)
		if !ok {
			t.Errorf("no schema %s", name)
			continue
		}
		properties := schema["properties"].(map[string]any)
		for field := range a.body {
			if _, has := properties[field]; !has {
				t.Errorf("%s has no %s", name, field)
			}
		}
	}
}
