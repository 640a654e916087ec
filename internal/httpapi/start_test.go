package httpapi_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

// form is an instant as answers have it.
func form(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func TestAStartIsAnsweredWithExactlyWhatTheContractSays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.start(toPhone).want(http.StatusAccepted, "")
	id := a.text("id")
	if !idForm.MatchString(id) {
		t.Fatalf("id %q", id)
	}
	h, err := r.store.Find(t.Context(), otp.ID(id))
	if err != nil {
		t.Fatal(err)
	}
	want := fields{
		"id": id, "namespace": "phone-auth", "channel": "sms", "to_masked": phoneMask, "status": "pending",
		"resent": false, "send": 1.0, "sends_left": 4.0,
		"expires_at": form(h.CreatedAt.Add(5 * time.Minute)), "resend_at": form(h.CreatedAt.Add(time.Minute)),
		"delivery": map[string]any{"status": "queued"},
	}
	if d := cmp.Diff(want, a.body); d != "" {
		t.Error(d)
	}
	for name, want := range map[string]string{
		"Location":         "/v1/verifications/" + id,
		"RateLimit-Policy": `"cooldown";q=1;w=60, "daily";q=10;w=86400`,
		"RateLimit":        `"cooldown";r=0;t=60, "daily";r=9;t=86400`,
		"Content-Type":     "application/json",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if d := cmp.Diff([]otp.Due{{Order: otp.Order{ID: otp.ID(id), Send: 1}, Channel: otp.SMS}}, r.ringer.all()); d != "" {
		t.Error(d)
	}
}

func TestASecondStartAfterTheCooldownSendsTheSameCodeAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start(toPhone).want(http.StatusAccepted, "")
	code := r.code(first)
	r.hand(first, "SM1")
	r.pass(time.Minute + time.Second)
	again := r.start(toPhone).want(http.StatusAccepted, "")
	want := first.body.with(fields{"resent": true, "send": 2.0, "sends_left": 3.0, "resend_at": again.body["resend_at"]})
	if d := cmp.Diff(want, again.body); d != "" {
		t.Error(d)
	}
	if got := again.at("resend_at").Sub(first.at("resend_at")); got < time.Minute || got > 90*time.Second {
		t.Errorf("resend_at moved by %s", got)
	}
	if got := again.header.Get("RateLimit"); !regexp.MustCompile(`^"cooldown";r=0;t=60, "daily";r=8;t=863[0-9]{2}$`).MatchString(got) {
		t.Errorf("RateLimit %s", got)
	}
	if r.code(again) != code {
		t.Error("the second send carries another code")
	}
}

func TestTheChannelIsTheOneThatTheAddressIsWrittenForUnlessItIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body          fields
		channel, mask string
	}{
		"a number":                 {fields{"namespace": "forgot-password", "to": phone}, "sms", phoneMask},
		"an address with an @":     {fields{"namespace": "forgot-password", "to": mailbox}, "email", mailMask},
		"a number, sms named":      {fields{"namespace": "forgot-password", "to": phone, "channel": "sms"}, "sms", phoneMask},
		"a mailbox, email named":   {fields{"namespace": "forgot-password", "to": mailbox, "channel": "email"}, "email", mailMask},
		"a number with separators": {fields{"namespace": "phone-auth", "to": "+49 (1511) 234-56.78"}, "sms", phoneMask},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := r.start(c.body).want(http.StatusAccepted, "")
			if a.text("channel") != c.channel || a.text("to_masked") != c.mask {
				t.Errorf("%s %s", a.text("channel"), a.text("to_masked"))
			}
			if rung := r.ringer.all(); len(rung) != 1 || string(rung[0].Channel) != c.channel {
				t.Errorf("rung %v", rung)
			}
		})
	}
}

func TestLocaleAndParamsReachTheLetterAndNothingElse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.start(toMail.with(fields{"locale": "de-CH", "params": fields{"brand": "Zürich 4711"}})).want(http.StatusAccepted, "")
	_, letter := r.open(a)
	if letter.To.Reveal() != mailbox || letter.Locale != "de-CH" || cmp.Diff(map[string]string{"brand": "Zürich 4711"}, letter.Params) != "" {
		t.Errorf("letter to %v, %s, %v", letter.To, letter.Locale, letter.Params)
	}
	a.silent("4711", "de-ch")
	r.get(a.text("id")).ok().silent("4711", "de-ch")
}

func TestAnotherChannelOrLocaleIsTakenForTheNextSend(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(toPhone).want(http.StatusAccepted, "")
	r.pass(time.Minute)
	again := r.start(toPhone.with(fields{"locale": "fr"})).want(http.StatusAccepted, "")
	if _, letter := r.open(again); letter.Locale != "fr" {
		t.Errorf("locale %s", letter.Locale)
	}
}

func TestABindingMakesAVerificationOfItsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, _ := r.started(toPhone)
	r.pass(time.Minute)
	bound := r.start(toPhone.with(fields{"binding": "browser-1-binding"})).want(http.StatusAccepted, "")
	bound.silent("browser-1-binding")
	if bound.text("id") == id || bound.body["resent"] == true {
		t.Errorf("the bound start reused the unbound verification: %s", bound.raw)
	}
	r.pass(time.Minute)
	if again := r.start(toPhone.with(fields{"binding": "browser-1-binding"})); again.text("id") != bound.text("id") {
		t.Errorf("the same binding got another verification: %s", again.raw)
	}
}

func TestTheCooldownNamesTheVerificationThatIsAlive(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start(toPhone).want(http.StatusAccepted, "")
	before := r.contents()
	a := r.start(toPhone).want(http.StatusTooManyRequests, "cooldown_active")
	if a.text("verification_id") != first.text("id") || a.text("expires_at") != first.text("expires_at") {
		t.Errorf("%s", a.raw)
	}
	if n := a.number("retry_after"); n < 58 || n > 60 {
		t.Errorf("retry_after %v", n)
	}
	r.untouched(before, "a start within the cooldown")
	if len(r.ringer.all()) != 1 {
		t.Error("a refused start rang")
	}
	r.pass(time.Minute)
	r.start(toPhone).want(http.StatusAccepted, "")
}

func TestAnotherNamespacesSendsHoldAStartUpForTenSeconds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(toPhone).want(http.StatusAccepted, "")
	other := toPhone.with(fields{"namespace": "add-phone"})
	a := r.start(other).want(http.StatusTooManyRequests, "cooldown_active")
	if _, has := a.body["verification_id"]; has || a.number("retry_after") > 10 {
		t.Errorf("%s", a.raw)
	}
	r.pass(10 * time.Second)
	r.start(other).want(http.StatusAccepted, "")
}

func TestTheDaysSendsAreCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	policy := r.service.Namespaces[otp.PhoneAuth]
	policy.MaxSends = 20
	r.service.Namespaces[otp.PhoneAuth] = policy
	for left := 9; left >= 0; left-- {
		a := r.start(toPhone).want(http.StatusAccepted, "")
		if got := a.header.Get("RateLimit"); !strings.Contains(got, fmt.Sprintf(`"daily";r=%d;t=`, left)) {
			t.Errorf("RateLimit %s, want %d left", got, left)
		}
		r.code(a)
		r.hand(a, "SM1")
		r.pass(time.Minute)
	}
	a := r.start(toPhone).want(http.StatusTooManyRequests, "daily_quota_exceeded")
	if n := a.number("retry_after"); n < 85_000 || n > 86_400 {
		t.Errorf("retry_after %v", n)
	}
	r.pass(24 * time.Hour)
	r.start(toPhone).want(http.StatusAccepted, "")
}

func TestAVerificationHasFiveSends(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	policy := r.service.Namespaces[otp.PhoneAuth]
	policy.Cooldown, policy.AllCooldown = time.Second, time.Second
	r.service.Namespaces[otp.PhoneAuth] = policy
	for left := 4.0; left >= 0; left-- {
		if a := r.start(toPhone).want(http.StatusAccepted, ""); a.body["sends_left"] != left {
			t.Errorf("%s", a.raw)
		}
		r.pass(time.Second)
	}
	a := r.start(toPhone).want(http.StatusTooManyRequests, "send_limit_reached")
	if a.text("verification_id") == "" || a.text("expires_at") == "" {
		t.Errorf("%s", a.raw)
	}
}

func TestRateLimitHeadersStandOnRefusedStartsToo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(toPhone).want(http.StatusAccepted, "")
	a := r.start(toPhone).want(http.StatusTooManyRequests, "cooldown_active")
	if got := a.header.Get("RateLimit"); !regexp.MustCompile(`^"cooldown";r=0;t=(60|59|58)`).MatchString(got) {
		t.Errorf("RateLimit %q", got)
	}
	if got := a.header.Get("RateLimit-Policy"); got != `"cooldown";q=1;w=60, "daily";q=10;w=86400` {
		t.Errorf("RateLimit-Policy %q", got)
	}
}

func TestALockedRecipientGetsNoCode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, code := r.started(toPhone)
	for range 5 {
		r.check(toPhone.with(fields{"code": wrong(code)})).ok()
	}
	r.pass(time.Minute)
	a := r.start(toPhone).want(http.StatusTooManyRequests, "recipient_locked")
	if n := a.number("retry_after"); n < 800 || n > 840 {
		t.Errorf("retry_after %v", n)
	}
	if _, has := a.body["verification_id"]; has {
		t.Errorf("a locked verification is not alive: %s", a.raw)
	}
}
