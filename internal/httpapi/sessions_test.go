package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
)

// proven starts and checks, and returns the id and the session.
func (r *rig) proven(body fields) (id, token, expires string) {
	r.t.Helper()
	id, code := r.started(body)
	a := r.check(fields{"id": id, "code": code}).ok()
	token = a.token()
	expires, _ = a.body["session"].(map[string]any)["expires_at"].(string)
	r.hide(token)
	return id, token, expires
}

func (r *rig) session(verb string, body fields) answer {
	r.t.Helper()
	return r.do(request{path: "/v1/sessions/" + verb, body: body})
}

var inactive = fields{"active": false}

func TestASessionIsActiveOnlyIfTokenNamespaceAndRecipientMatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, token, expires := r.proven(toPhone)
	good := toPhone.with(fields{"token": token})
	want := fields{"active": true, "verification_id": id, "channel": "sms", "to_masked": "+49•••••••••78", "expires_at": expires}
	for name, c := range map[string]struct{ body, want fields }{
		"all match":               {good, want},
		"another spelling":        {good.with(fields{"to": "+49 1511 2345678"}), want},
		"another namespace":       {good.with(fields{"namespace": "add-phone"}), inactive},
		"another recipient":       {good.with(fields{"to": "+4915112345679"}), inactive},
		"a recipient by e-mail":   {good.with(fields{"to": mailbox}), inactive},
		"another token":           {good.with(fields{"token": "ots_00" + strings.Repeat("A", 43)}), inactive},
		"the token, changed":      {good.with(fields{"token": token[:len(token)-2] + "--"}), inactive},
		"no token at all":         {good.with(fields{"token": ""}), inactive},
		"something else":          {good.with(fields{"token": id}), inactive},
		"the token in upper case": {good.with(fields{"token": strings.ToUpper(token)}), inactive},
	} {
		t.Run(name, func(t *testing.T) {
			before := r.contents()
			if d := cmp.Diff(c.want, r.session("introspect", c.body).ok().body); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(inactive, c.want); d == "" {
				if d := cmp.Diff(inactive, r.session("consume", c.body).ok().body); d != "" {
					t.Error(d)
				}
			}
			if d := cmp.Diff(inactive, c.want); d != "" { // that it was used is an event, and no more
				delete(before, "events:{"+r.partition()+"}")
				r.untouched(before, name, "events:{"+r.partition()+"}")
				return
			}
			r.untouched(before, name)
		})
	}
}

func TestAConsumedSessionIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, token, expires := r.proven(toPhone)
	body := toPhone.with(fields{"token": token})
	r.session("introspect", body).ok()
	want := fields{"active": true, "verification_id": id, "channel": "sms", "to_masked": "+49•••••••••78", "expires_at": expires}
	if d := cmp.Diff(want, r.session("consume", body).ok().body); d != "" {
		t.Error(d)
	}
	for _, verb := range []string{"consume", "introspect"} {
		if d := cmp.Diff(inactive, r.session(verb, body).ok().body); d != "" {
			t.Error(verb, d)
		}
	}
}

func TestAHundredConsumersGetASessionOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, token, _ := r.proven(toPhone)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if r.session("consume", toPhone.with(fields{"token": token})).body["active"] == true {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d consumed it", won.Load())
	}
}

func TestASessionEndsAfterAnHour(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, token, _ := r.proven(toPhone)
	r.pass(time.Hour)
	if d := cmp.Diff(inactive, r.session("introspect", toPhone.with(fields{"token": token})).ok().body); d != "" {
		t.Error(d)
	}
}

func TestASessionOfABoundVerificationNeedsNoBinding(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bound := toPhone.with(fields{"binding": "browser-1-binding"})
	id, code := r.started(bound)
	token := r.check(fields{"id": id, "code": code, "binding": "browser-1-binding"}).ok().token()
	if a := r.session("introspect", toPhone.with(fields{"token": token})).ok(); a.body["active"] != true {
		t.Errorf("%s", a.raw)
	}
}

func TestASessionIsAskedAboutForARecipientThatCanBe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, token, _ := r.proven(toPhone)
	body := toPhone.with(fields{"token": token})
	r.session("introspect", body.with(fields{"to": "12"})).want(http.StatusBadRequest, "invalid_recipient")
	r.session("introspect", body.with(fields{"namespace": "no-such"})).want(http.StatusNotFound, "namespace_not_found")
	r.session("consume", body.with(fields{"to": nil})).want(http.StatusBadRequest, "invalid_request")
}

// TestASignedSessionIsVerifiedWithoutUs also asks us, for whom that is easier.
func TestASignedSessionIsVerifiedWithoutUs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	signed := toPhone.with(fields{"namespace": "signed"})
	id, token, expires := r.proven(signed)
	set, err := r.try(r.server, request{method: http.MethodGet, path: "/.well-known/jwks.json"}) // it may be kept, as no other answer
	if err != nil || set.status != http.StatusOK || set.header.Get("Cache-Control") != "public, max-age=300" || set.header.Get("Content-Type") != "application/jwk-set+json" {
		t.Fatalf("%d %v", set.status, set.header)
	}
	var jwks jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(set.raw), &jwks); err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	if err := parsed.Claims(jwks, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Subject != id || claims.Audience[0] != "signed" || time.Until(claims.Expiry.Time()) > time.Hour {
		t.Errorf("%+v", claims)
	}
	body := signed.with(fields{"token": token})
	want := fields{"active": true, "verification_id": id, "channel": "sms", "expires_at": expires}
	if d := cmp.Diff(want, r.session("introspect", body).ok().body); d != "" {
		t.Error(d)
	}
	for name, c := range map[string]fields{
		"another recipient": body.with(fields{"to": "+4915112345679"}),
		"another token":     body.with(fields{"token": token[:len(token)-4] + "AAAA"}),
		"an opaque one":     body.with(fields{"token": "ots_00" + strings.Repeat("A", 43)}),
		"another namespace": body.with(fields{"namespace": "phone-auth"}),
	} {
		if d := cmp.Diff(inactive, r.session("introspect", c).ok().body); d != "" {
			t.Error(name, d)
		}
	}
	r.session("consume", body).want(http.StatusBadRequest, "invalid_request")
}
