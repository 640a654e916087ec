package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// again is q with an Idempotency-Key.
func again(q request, key string) request {
	q.header = map[string]string{"Idempotency-Key": key}
	return q
}

func TestAStartWithTheSameKeyIsAnsweredTheSameAndSendsNothingAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := again(request{path: "/v1/verifications", body: toPhone}, "order-17")
	first := r.do(q).want(http.StatusAccepted, "")
	for range 3 {
		before := r.contents()
		second := r.do(q).want(http.StatusAccepted, "")
		if d := cmp.Diff(first.body, second.body); d != "" {
			t.Error(d)
		}
		if second.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("Location %s", second.header.Get("Location"))
		}
		r.untouched(before, "a repeated start")
		r.pass(40 * time.Second) // past the cooldown too
	}
	r.do(again(request{path: "/v1/verifications", body: toPhone}, "order-18")).want(http.StatusAccepted, "")
}

func TestARefusedStartIsComputedAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(toPhone).want(http.StatusAccepted, "")
	q := again(request{path: "/v1/verifications", body: toPhone}, "order-17")
	r.do(q).want(http.StatusTooManyRequests, "cooldown_active")
	r.pass(time.Minute)
	r.do(q).want(http.StatusAccepted, "")
}

func TestKeysAreACallersOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := again(request{path: "/v1/verifications", body: toPhone}, "order-17")
	r.do(q).want(http.StatusAccepted, "")
	q.key = keyOther
	r.do(q).want(http.StatusTooManyRequests, "cooldown_active")
}

func TestKeysAreAnEndpointsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.do(again(request{path: "/v1/verifications", body: toPhone}, "order-17")).want(http.StatusAccepted, "")
	code := r.code(first)
	a := r.do(again(request{path: "/v1/verifications/check", body: toPhone.with(fields{"code": code})}, "order-17")).ok()
	if a.body["valid"] != true {
		t.Errorf("%s", a.raw)
	}
}

func TestACheckWithTheSameKeyIsAnsweredTheSameForAMinute(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		id, code := r.started(toPhone)
		miss := again(request{path: "/v1/verifications/check", body: way(id, wrong(code))}, "guess-1")
		if d := cmp.Diff(r.do(miss).ok().body, r.do(miss).ok().body); d != "" {
			t.Error("counted twice", d)
		}
		hit := again(request{path: "/v1/verifications/check", body: way(id, code)}, "guess-2")
		first := r.do(hit).ok()
		if first.body["valid"] != true || first.body["checks_left"] != 3.0 {
			t.Fatalf("%s", first.raw)
		}
		if d := cmp.Diff(first.body, r.do(hit).ok().body); d != "" {
			t.Error(d)
		}
		token := first.token()
		if a := r.session("introspect", toPhone.with(fields{"token": token})).ok(); a.body["active"] != true {
			t.Errorf("%s", a.raw)
		}
		other := hit
		other.key = keyOther
		for name, q := range map[string]request{"another caller": other, "no key": {path: hit.path, body: hit.body}, "another key": again(hit, "guess-3")} {
			if a := r.do(q).ok(); a.text("reason") != "already_used" || strings.Contains(a.raw, "session") {
				t.Errorf("%s: %s", name, a.raw)
			}
		}
		r.pass(61 * time.Second)
		if a := r.do(hit).ok(); a.text("reason") != "already_used" {
			t.Errorf("a minute later: %s", a.raw)
		}
	})
}

func TestTheKeyOfARightCheckDoesNotMakeAnotherCodeRight(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig, way func(id, code string) fields) {
		id, code := r.started(toPhone)
		r.do(again(request{path: "/v1/verifications/check", body: way(id, code)}, "guess-1")).ok()
		a := r.do(again(request{path: "/v1/verifications/check", body: way(id, wrong(code))}, "guess-1"))
		if a.body["valid"] == true {
			t.Errorf("a wrong code is valid: %s", a.raw)
		}
	})
}

func TestTheKeyOfARightCheckDoesNotMakeAnotherBindingRight(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, code := r.started(toPhone.with(fields{"binding": "browser-1-binding"}))
	q := request{path: "/v1/verifications/check", body: fields{"id": id, "code": code, "binding": "browser-1-binding"}}
	r.do(again(q, "guess-1")).ok()
	q.body = fields{"id": id, "code": code, "binding": "browser-2-binding"}
	if a := r.do(again(q, "guess-1")); a.body["valid"] == true {
		t.Errorf("another binding is valid: %s", a.raw)
	}
}

func TestAKeyThatIsTooLongIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for path, body := range map[string]fields{"/v1/verifications": toPhone, "/v1/verifications/check": {"id": someID, "code": "739182"}} {
		r.do(again(request{path: path, body: body}, strings.Repeat("k", 256))).want(http.StatusBadRequest, "idempotency_key_invalid")
	}
	r.untouched(map[string]string{}, "keys that are too long")
	r.do(again(request{path: "/v1/verifications", body: toPhone}, strings.Repeat("k", 255))).want(http.StatusAccepted, "")
}
