package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
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

func TestARefusalFreesTheKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(toPhone).want(http.StatusAccepted, "")
	q := again(request{path: "/v1/verifications", body: toPhone}, "order-17")
	for range 2 {
		r.do(q).want(http.StatusTooManyRequests, "cooldown_active")
	}
	r.do(again(request{path: "/v1/verifications", body: toMail}, "order-17")).want(http.StatusAccepted, "")
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

func TestACheckWithTheSameKeyIsAnsweredTheSame(t *testing.T) {
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
		r.pass(5 * time.Minute) // the code has expired and the store has forgotten the nonce
		if d := cmp.Diff(first.body, r.do(hit).ok().body); d != "" {
			t.Error(d)
		}
		if made := r.get(first.text("id")).ok().body["checks"].(map[string]any)["made"]; made != 2.0 {
			t.Errorf("%v checks counted", made)
		}
	})
}

func TestTheKeyOfARightCheckDoesNotMakeAnotherCodeRight(t *testing.T) {
	eachWay(t, func(_ *testing.T, r *rig, way func(id, code string) fields) {
		id, code := r.started(toPhone)
		r.do(again(request{path: "/v1/verifications/check", body: way(id, code)}, "guess-1")).ok()
		r.do(again(request{path: "/v1/verifications/check", body: way(id, wrong(code))}, "guess-1")).want(http.StatusUnprocessableEntity, "idempotency_key_reused")
	})
}

func TestTheKeyOfARightCheckDoesNotMakeAnotherBindingRight(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, code := r.started(toPhone.with(fields{"binding": "browser-1-binding"}))
	q := request{path: "/v1/verifications/check", body: fields{"id": id, "code": code, "binding": "browser-1-binding"}}
	r.do(again(q, "guess-1")).ok()
	q.body = fields{"id": id, "code": code, "binding": "browser-2-binding"}
	r.do(again(q, "guess-1")).want(http.StatusUnprocessableEntity, "idempotency_key_reused")
}

func TestARepeatedAnswerSaysThatItIsOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := again(request{path: "/v1/verifications", body: toPhone}, "order-17")
	if a := r.do(q).want(http.StatusAccepted, ""); a.header.Values("Idempotency-Replayed") != nil {
		t.Errorf("the first: %v", a.header)
	}
	a := r.do(q).want(http.StatusAccepted, "")
	if a.header.Get("Idempotency-Replayed") != "true" || a.header.Get("RateLimit") != "" {
		t.Errorf("the second: %v", a.header)
	}
}

func TestAStartIsAnsweredTheSameLongAfterItsVerificationEnded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := again(request{path: "/v1/verifications", body: toPhone}, "order-17")
	first := r.do(q).want(http.StatusAccepted, "")
	r.pass(time.Hour)
	r.start(toPhone).want(http.StatusAccepted, "") // another verification by now
	if d := cmp.Diff(first.body, r.do(q).want(http.StatusAccepted, "").body); d != "" {
		t.Error(d)
	}
}

func TestAKeyBelongsToOneRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.do(again(request{path: "/v1/verifications", body: toPhone}, "order-17")).want(http.StatusAccepted, "")
	before := r.contents()
	for name, body := range map[string]fields{
		"another recipient, in another partition": toPhone.with(fields{"to": "+4915112345699"}),
		"another namespace":                       toPhone.with(fields{"namespace": "verify-phone"}),
		"another binding":                         toPhone.with(fields{"binding": "b"}),
		"another locale":                          toPhone.with(fields{"locale": "de"}),
		"another body, though it means the same":  toPhone.with(fields{"to": "+49 151 12345678"}),
	} {
		r.do(again(request{path: "/v1/verifications", body: body}, "order-17")).want(http.StatusUnprocessableEntity, "idempotency_key_reused")
		r.untouched(before, name)
	}
}

func TestARequestThatIsStillBeingWorkedOnIsNotRunTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := again(request{path: "/v1/verifications", body: toPhone}, "order-17")
	mark := r.keys.MarkOf("start", "phone-auth", phone, "sms", "", "")
	elsewhere := otp.Repeatable{Nonce: otp.NonceOf("all", "start", "order-17"), Mark: mark, By: "another-process"}
	if _, err := r.store.Recall(t.Context(), elsewhere); err != nil {
		t.Fatal(err)
	}
	a := r.do(q).want(http.StatusConflict, "idempotency_in_flight")
	if a.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	r.pass(3 * time.Second) // that process has died
	id := r.do(q).want(http.StatusAccepted, "").text("id")
	if err := r.store.Remember(t.Context(), elsewhere, []byte(`{"Order":{"ID":"VE00"}}`)); err != nil { // it had only been slow
		t.Fatal(err)
	}
	if again := r.do(q).want(http.StatusAccepted, "").text("id"); again != id {
		t.Errorf("the late answer replaced the one that was given: %s, then %s", id, again)
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
