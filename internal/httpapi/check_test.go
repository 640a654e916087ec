package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ways are the two ways in which a check names its verification.
var ways = map[string]func(id, code string) fields{
	"by id":        func(id, code string) fields { return fields{"id": id, "code": code} },
	"by recipient": func(_, code string) fields { return toPhone.with(fields{"code": code}) },
}

func eachWay(t *testing.T, test func(t *testing.T, r *rig, way func(id, code string) fields)) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newRig(t), way)
		})
	}
}

func TestARightCodeGivesASession(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		id, code := r.started(toPhone)
		a := r.check(way(id, code)).ok()
		session, _ := a.body["session"].(map[string]any)
		token, _ := session["token"].(string)
		if !tokenForm.MatchString(token) {
			t.Fatalf("session %v", session)
		}
		instant(t, session["expires_at"])
		want := fields{"id": id, "status": "approved", "valid": true, "checks_left": 4.0, "session": map[string]any{"token": token, "expires_at": session["expires_at"]}}
		if d := cmp.Diff(want, a.body); d != "" {
			t.Error(d)
		}
		r.hide(token) // once only
		if h := r.get(id).ok(); h.text("status") != "approved" {
			t.Errorf("%s", h.raw)
		}
		r.check(way(id, code)).ok()
		r.do(request{path: "/v1/sessions/introspect", body: toPhone.with(fields{"token": token})}).ok()
	})
}

func TestAWrongCodeIsANormalAnswerAndCounts(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		id, code := r.started(toPhone)
		for left := 4.0; left >= 1; left-- {
			a := r.check(way(id, wrong(code))).ok()
			want := fields{"id": id, "status": "pending", "valid": false, "reason": "code_mismatch", "public_reason": "invalid_or_expired", "checks_left": left}
			if d := cmp.Diff(want, a.body); d != "" {
				t.Fatal(d)
			}
		}
		if a := r.check(way(id, code)).ok(); a.body["valid"] != true {
			t.Errorf("%s", a.raw)
		}
	})
}

func TestTheGuessThatUsesUpTheLastCheckLocksAndThenNothingIsCompared(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		id, code := r.started(toPhone)
		for range 4 {
			r.check(way(id, wrong(code))).ok()
		}
		a := r.check(way(id, wrong(code))).ok()
		until := a.at("locked_until")
		want := fields{
			"id": id, "status": "locked", "valid": false, "reason": "code_mismatch", "public_reason": "invalid_or_expired",
			"checks_left": 0.0, "locked_until": form(until),
		}
		if d := cmp.Diff(want, a.body); d != "" {
			t.Fatal(d)
		}
		if left := time.Until(until); left < 14*time.Minute || left > 15*time.Minute+time.Second {
			t.Errorf("locked for %s", left)
		}
		before := r.contents()
		for _, c := range []string{code, wrong(code)} {
			locked := r.check(way(id, c)).want(http.StatusTooManyRequests, "recipient_locked")
			if n := locked.number("retry_after"); n < 890 || n > 900 {
				t.Errorf("retry_after %v", n)
			}
		}
		r.untouched(before, "checks while locked")
		h := r.get(id).ok()
		if h.text("status") != "locked" || h.text("locked_until") != form(until) || cmp.Diff(map[string]any{"made": 5.0, "max": 5.0}, h.body["checks"]) != "" {
			t.Errorf("%s", h.raw)
		}
	})
}

func TestAProblemNamesAVerificationOnlyWhileOneLives(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		id, code := r.started(toPhone)
		for range 5 {
			r.check(way(id, wrong(code))).ok()
		}
		a := r.check(way(id, code)).want(http.StatusTooManyRequests, "recipient_locked")
		if _, has := a.body["verification_id"]; has {
			t.Errorf("the locked verification is not alive: %s", a.raw)
		}
	})
}

func TestACodeOfWrongFormIsRefusedAndNotCounted(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		id, code := r.started(toPhone)
		before := r.contents()
		for name, bad := range map[string]string{
			"empty": "", "short": "73918", "long": "7391824", "letters": "73918x", "blank inside": "739 182", "blank around": " 739182",
			"full-width digits": "７３９１８２", "a sign": "+73918", "a line break": "739182\n", "very long": "73918273918273918273",
			"longer than a number": "73918273918273918273918273918273918273918273918273918273918273918273918273918273918273",
		} {
			a := r.check(way(id, bad))
			if a.status != http.StatusBadRequest || a.text("code") != "invalid_code_format" {
				t.Errorf("%s: %d %s, want invalid_code_format", name, a.status, a.text("code"))
			}
			if bad != "" {
				a.silent(bad)
			}
			if errs, _ := a.body["errors"].([]any); len(errs) != 1 || errs[0].(map[string]any)["pointer"] != "#/code" {
				t.Errorf("%s: errors %v", name, a.body["errors"])
			}
		}
		r.untouched(before, "codes of wrong form")
		if a := r.check(way(id, code)).ok(); a.body["checks_left"] != 4.0 {
			t.Errorf("%s", a.raw)
		}
	})
}

func TestAFinishedVerificationSaysHowItEnded(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		refused := func(id, code, status, reason string) {
			t.Helper()
			a := r.check(way(id, code)).ok()
			want := fields{"id": id, "status": status, "valid": false, "reason": reason, "public_reason": "invalid_or_expired", "checks_left": 0.0}
			if d := cmp.Diff(want, a.body); d != "" {
				t.Error(d)
			}
		}
		id, code := r.started(toPhone)
		r.check(way(id, code)).ok()
		refused(id, code, "approved", "already_used")

		r.pass(time.Minute)
		id, code = r.started(toPhone)
		r.pass(5 * time.Minute)
		refused(id, code, "expired", "expired")

		id, code = r.started(toPhone)
		r.cancel(id).ok()
		refused(id, code, "canceled", "canceled")
	})
}

func TestWhatWasNeverStartedIsNotFoundAndNothingIsWritten(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		a := r.check(way("VE000123456789abcdef0123456789abcd", "739182")).ok()
		want := fields{"valid": false, "reason": "not_found", "public_reason": "invalid_or_expired", "checks_left": 0.0}
		if d := cmp.Diff(want, a.body); d != "" {
			t.Error(d)
		}
		r.untouched(map[string]string{}, "a check of nothing")
	})
}

func TestABoundCodeTakesItsBindingAndAMismatchIsNotCounted(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		bound := fields{"binding": "browser-1-binding"}
		id, code := r.started(toPhone.with(bound))
		for _, other := range []fields{nil, {"binding": "browser-2-binding"}} {
			a := r.check(way(id, code).with(other)).ok()
			if reason := a.text("reason"); a.body["valid"] != false || reason != "binding_mismatch" || a.body["checks_left"] != 5.0 {
				t.Errorf("with %v: %s", other, a.raw)
			}
			a.silent("browser-1-binding", "browser-2-binding")
		}
		if a := r.check(way(id, code).with(bound)).ok(); a.body["valid"] != true || a.body["checks_left"] != 4.0 {
			t.Errorf("%s", a.raw)
		}
	})
}

func TestACheckNamesItsVerificationInOneWay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, code := r.started(toPhone)
	before := r.contents()
	for name, body := range map[string]fields{
		"neither":        {"code": code},
		"both":           toPhone.with(fields{"id": id, "code": code}),
		"id and to":      {"id": id, "to": phone, "code": code},
		"namespace only": {"namespace": "phone-auth", "code": code},
		"to only":        {"to": phone, "code": code},
		"no code":        {"id": id},
	} {
		t.Log(name)
		r.check(body).want(http.StatusBadRequest, "invalid_request")
	}
	r.untouched(before, "checks of no form")
}

func TestACodeOfAnotherNamespaceIsNotFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, code := r.started(toPhone)
	a := r.check(fields{"namespace": "add-phone", "to": phone, "code": code}).ok()
	if a.text("reason") != "not_found" {
		t.Errorf("%s", a.raw)
	}
}
