package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (r *rig) unlock(body fields) answer {
	r.t.Helper()
	return r.do(request{path: "/v1/recipients/unlock", body: body})
}

func TestUnlockLetsARecipientTryAgainAndKeepsTheCooldown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start(toPhone).want(http.StatusAccepted, "")
	id, code := first.text("id"), r.code(first)
	r.hand(first, "SM1")
	for range 5 {
		r.check(toPhone.with(fields{"code": wrong(code)})).ok()
	}
	r.check(toPhone.with(fields{"code": code})).want(http.StatusTooManyRequests, "recipient_locked")
	body := toPhone.with(fields{"reason": "ticket-4711"})
	if d := cmp.Diff(fields{"cleared": true}, r.unlock(body).ok().body); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(fields{"cleared": false}, r.unlock(body).ok().body); d != "" {
		t.Error(d)
	}
	r.start(toPhone).want(http.StatusTooManyRequests, "cooldown_active")
	r.pass(time.Minute)
	again, code := r.started(toPhone)
	if again == id {
		t.Error("the locked verification lives again")
	}
	if a := r.check(toPhone.with(fields{"code": code})).ok(); a.body["valid"] != true {
		t.Errorf("%s", a.raw)
	}
	r.get(id).ok().silent("4711")
}

func TestUnlockSaysWhatIsWrongWithItsFieldsAndWritesNothing(t *testing.T) {
	t.Parallel()
	good := toPhone.with(fields{"reason": "ticket"})
	for name, c := range map[string]struct {
		body    fields
		status  int
		code    string
		pointer string
	}{
		"no reason":                {good.with(fields{"reason": ""}), 400, "invalid_request", "#/reason"},
		"reason left out":          {good.with(fields{"reason": nil}), 400, "invalid_request", "#"},
		"a long reason":            {good.with(fields{"reason": strings.Repeat("ü", 201)}), 400, "invalid_request", "#/reason"},
		"a number in the reason":   {good.with(fields{"reason": "called from +49 151 2345-6789"}), 400, "invalid_request", "#/reason"},
		"an address in the reason": {good.with(fields{"reason": "ada@example.org called"}), 400, "invalid_request", "#/reason"},
		"a bad recipient":          {good.with(fields{"to": "12"}), 400, "invalid_recipient", "#/to"},
		"unknown namespace":        {good.with(fields{"namespace": "no-such"}), 404, "namespace_not_found", ""},
		"a long binding":           {good.with(fields{"binding": strings.Repeat("b", 257)}), 400, "invalid_request", "#/binding"},
		"a binding whose characters take more than 256 bytes": {good.with(fields{"binding": strings.Repeat("ü", 129)}), 400, "invalid_request", "#/binding"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := r.unlock(c.body).want(c.status, c.code)
			if got := pointers(a); c.pointer != "" && !cmp.Equal(got, []string{c.pointer}) {
				t.Errorf("pointers %v, want %s", got, c.pointer)
			}
			r.untouched(map[string]string{}, name)
		})
	}
}

func TestAReasonMayHaveTwoHundredCharacters(t *testing.T) {
	t.Parallel()
	newRig(t).unlock(toPhone.with(fields{"reason": strings.Repeat("ü", 200)})).ok()
}

func TestTheTimelineOfAnUnlockedRecipientCanBeRead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, _ := r.started(toPhone)
	r.unlock(toPhone.with(fields{"reason": "ticket 4711: caller proved who they are"})).ok()
	all := steps(t, r.get(id).ok())
	if last := all[len(all)-1]; last["state"] != "unlocked" {
		t.Errorf("last step %v", last)
	}
}

// pointers are where a problem says the request is wrong.
func pointers(a answer) (all []string) {
	errs, _ := a.body["errors"].([]any)
	for _, e := range errs {
		all = append(all, e.(map[string]any)["pointer"].(string))
	}
	return all
}
