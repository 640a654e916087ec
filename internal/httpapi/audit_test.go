package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// trail are the records that a search finds, the newest first, and their kinds: but
// for what workers do, and for that somebody searched.
func (r *rig) trail(key string, body fields) (kinds []string, items []any) {
	r.t.Helper()
	all, _ := r.do(request{path: "/v1/audit/search", body: body, key: key}).ok().body["items"].([]any)
	for _, item := range all {
		kind, _ := item.(fieldsOf)["kind"].(string)
		if !strings.HasPrefix(kind, "send.") && kind != "audit.searched" {
			kinds, items = append(kinds, kind), append(items, item)
		}
	}
	return kinds, items
}

type fieldsOf = map[string]any

func TestTheTrailTellsWhoAskedAndWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, code := r.started(toPhone)
	r.check(fields{"id": id, "code": wrong(code)}).ok()
	r.check(fields{"id": id, "code": code}).ok()
	for what, body := range map[string]fields{"the recipient": {"to": "+49 1511 2345678"}, "the verification": {"id": id}, "the key": {"actor": "all", "until": time.Now().Add(time.Hour).Format(time.RFC3339)}} {
		kinds, items := r.trail(keyAll, body)
		if want := []string{"verification.approved", "verification.check_failed", "verification.created"}; !slices.Equal(kinds, want) {
			t.Errorf("%s: %q", what, kinds)
			continue
		}
		last := items[len(items)-1].(fieldsOf)
		if last["actor"] != "all" || last["to_masked"] != phoneMask || last["verification_id"] != id || last["request_id"] == "" || last["client"] != "127.0.0.1" {
			t.Errorf("%s: %v", what, last)
		}
	}
	if kinds, _ := r.trail(keyAll, fields{"to": "+4915112345679"}); len(kinds) > 0 {
		t.Errorf("of somebody else: %q", kinds)
	}
	searched, _ := r.do(request{path: "/v1/audit/search", body: fields{"to": "+4915112345679", "kinds": []string{"audit.searched"}}}).ok().body["items"].([]any)
	if len(searched) == 0 || searched[0].(fieldsOf)["actor"] != "all" {
		t.Errorf("that somebody searched for them: %v", searched)
	}
}

func TestAKeySeesTheTrailOfItsNamespacesOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.started(toPhone)
	r.started(fields{"namespace": "add-phone", "to": "+4915112345670"})
	if err := r.store.Tell(t.Context(), 0, "type", "staff.signed_in", "actor", "ada"); err != nil {
		t.Fatal(err)
	}
	if all, _ := r.trail(keyAll, fields{}); !slices.Contains(all, "staff.signed_in") || len(all) != 3 {
		t.Errorf("all: %q", all)
	}
	kinds, items := r.trail(keyPhone, fields{})
	if len(kinds) != 1 || items[0].(fieldsOf)["namespace"] != string(otp.PhoneAuth) {
		t.Errorf("%q %v", kinds, items)
	}
}

func TestWhoeverMaySearchVerificationsMayNotSearchTheTrail(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, s := range otp.Scopes {
		a := r.do(request{path: "/v1/audit/search", body: fields{}, key: keyOf(s)})
		if (a.status == http.StatusOK) != (s == otp.ScopeAudit) {
			t.Errorf("%s: %d", s, a.status)
		}
	}
}
