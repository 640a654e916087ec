package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shape is an answer without what must differ between two people, and its status.
func (a answer) shape(t *testing.T) map[string]any {
	t.Helper()
	var body map[string]any
	a.read(t, &body)
	for name, v := range body {
		switch name {
		case "id", "to_masked", "expires_at", "resend_at", "request_id", "detail", "retry_after", "verification_id", "locked_until":
			body[name] = len(jsonOf(t, v)) > 2
		}
	}
	body["http"] = a.status
	body["headers"] = slices.DeleteFunc(slices.Sorted(maps.Keys(a.header)), func(h string) bool { return h == "Date" })
	return body
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestADecoyCannotBeToldFromACode asks for both, and does with both all that a
// stranger can do by a form: only one of them gets a mail.
func TestADecoyCannotBeToldFromACode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{})
	r.startWorker(settings{})
	real, nobody := r.mailbox(), r.mailbox()
	start := func(to string) answer {
		return a.do("POST", "/v1/verifications", map[string]any{"namespace": "forgot-password", "to": to, "decoy": to == nobody})
	}
	guess := func(to string) answer {
		return a.do("POST", "/v1/verifications/check", map[string]any{"namespace": "forgot-password", "to": to, "code": "000000"})
	}
	same := func(what string, one, other answer) {
		t.Helper()
		if d := cmp.Diff(one.shape(t), other.shape(t)); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
	first, decoy := start(real), start(nobody)
	same("start", first, decoy)
	same("again", start(real), start(nobody))
	if code := r.code(real, 20*time.Second); code == "000000" {
		t.Skip("one in a million")
	}
	var v told
	decoy.read(t, &v)
	eventually(t, 20*time.Second, "the worker has looked at the decoy", func() bool { return a.get(t, v.ID).Delivery.Status != "queued" })
	for range 5 {
		same("guess", guess(real), guess(nobody))
	}
	same("guess while locked", guess(real), guess(nobody))
	same("start while locked", start(real), start(nobody))
	v = a.get(t, v.ID)
	if !slices.ContainsFunc(v.Timeline, func(s step) bool { return s.State == "suppressed" && s.Reason == "decoy" }) {
		t.Errorf("the time line does not say so: %+v", v.Timeline)
	}
	if got := r.inbox(nobody); len(got) > 0 {
		t.Errorf("the decoy was sent: %+v", got)
	}
	r.nothingLeft()
}
