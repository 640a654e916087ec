package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// steps are the timeline of an answer without its times, which only ascend.
func steps(t *testing.T, a answer) (all []map[string]any) {
	t.Helper()
	var last time.Time
	for _, s := range a.body["timeline"].([]any) {
		step := s.(map[string]any)
		at := instant(t, step["at"])
		if at.Before(last) {
			t.Errorf("the timeline goes back: %s", a.raw)
		}
		last = at
		delete(step, "at")
		all = append(all, step)
	}
	return all
}

func TestAVerificationTellsItsLifeWithoutCodeAndAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start(toPhone).want(http.StatusAccepted, "")
	code := r.code(first)
	r.hand(first, "SM1")
	r.check(toPhone.with(fields{"code": wrong(code)})).ok()
	r.hide(wrong(code))
	token := r.check(toPhone.with(fields{"code": code})).ok().token()
	r.hide(token)
	a := r.get(first.text("id")).ok()
	want := first.body.with(fields{
		"resent": nil, "status": "approved", "delivery": map[string]any{"status": "accepted", "provider": "twilio"},
		"checks": map[string]any{"made": 2.0, "max": 5.0}, "created_at": a.text("created_at"),
	})
	if d := cmp.Diff(want, a.body, cmpopts.IgnoreMapEntries(func(k string, _ any) bool { return k == "timeline" || k == "explanation" })); d != "" {
		t.Error(d)
	}
	if a.at("expires_at").Sub(a.at("created_at")) != 5*time.Minute {
		t.Errorf("%s", a.raw)
	}
	if what := a.body["explanation"].(map[string]any)["what"].(string); !strings.HasPrefix(what, "The right code was typed at ") {
		t.Errorf("explained as %q", what)
	}
	wantSteps := []map[string]any{
		{"send": 1.0, "attempt": 0.0, "state": "queued", "reason": "sms"},
		{"send": 1.0, "attempt": 1.0, "state": "sending", "provider": "twilio"},
		{"send": 1.0, "attempt": 1.0, "state": "accepted", "provider": "twilio", "ref": "SM1"},
		{"send": 0.0, "attempt": 0.0, "state": "check_failed"},
		{"send": 0.0, "attempt": 0.0, "state": "approved"},
	}
	if d := cmp.Diff(wantSteps, steps(t, a)); d != "" {
		t.Error(d)
	}
}

func TestAnExpiredVerificationSaysSoBeforeTheWatchSettlesIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, _ := r.started(toPhone)
	r.pass(5 * time.Minute)
	if a := r.get(id).ok(); a.text("status") != "expired" {
		t.Errorf("%s", a.raw)
	}
}

func TestWhatIsNoIDOrUnknownIsNotFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, id := range map[string]string{
		"unknown":            "VE000123456789abcdef0123456789abcd",
		"unknown partition":  "VEff0123456789abcdef0123456789abcd",
		"upper case":         "VE000123456789ABCDEF0123456789ABCD",
		"short":              "VE00",
		"no hex":             "VE000123456789abcdef0123456789abcg",
		"another prefix":     "SM000123456789abcdef0123456789abcd",
		"percent and digits": "%31%32",
		"longer than an id":  "VE" + strings.Repeat("0", 70),
	} {
		t.Run(name, func(t *testing.T) {
			for _, a := range []answer{r.get(id), r.cancel(id)} {
				if a.status != http.StatusNotFound || a.text("code") != "verification_not_found" {
					t.Errorf("%s: %d %s", a.asked, a.status, a.text("code"))
				}
			}
		})
	}
	r.untouched(map[string]string{}, "reading what is not there")
}

func TestCancelMakesACodeUselessAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start(toPhone).want(http.StatusAccepted, "")
	id, code := first.text("id"), r.code(first)
	a := r.cancel(id).ok()
	if a.text("status") != "canceled" || a.body["delivery"].(map[string]any)["status"] != "canceled" {
		t.Errorf("%s", a.raw)
	}
	again := r.cancel(id).ok()
	if d := cmp.Diff(a.body, again.body); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(a.body, r.get(id).ok().body); d != "" {
		t.Error(d)
	}
	if c := r.check(fields{"id": id, "code": code}).ok(); c.text("reason") != "canceled" {
		t.Errorf("%s", c.raw)
	}
}

func TestACanceledSendThatNobodyTookGivesTheCooldownBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.start(toPhone).want(http.StatusAccepted, "").text("id")
	r.cancel(id).ok()
	if a := r.start(toPhone).want(http.StatusAccepted, ""); a.text("id") == id || a.body["resent"] != false {
		t.Errorf("%s", a.raw)
	}
}

func TestWhatHasEndedOtherwiseCannotBeCanceled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	approved, code := r.started(toPhone)
	r.check(fields{"id": approved, "code": code}).ok()
	r.pass(time.Minute)
	expired, _ := r.started(toPhone)
	r.pass(5 * time.Minute)
	for name, id := range map[string]string{"approved": approved, "expired": expired} {
		t.Log(name)
		before := r.contents()
		r.cancel(id).want(http.StatusConflict, "already_finished")
		r.untouched(before, "canceling what is "+name)
	}
}
