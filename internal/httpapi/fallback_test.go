package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

const secondMail = "kim@example.com"

// elsewhere is a start whose code may go to a mailbox too.
func elsewhere(ns string, fallback ...any) fields {
	return fields{"namespace": ns, "to": "bo@example.org", "fallback": fallback}
}

func TestACodeMayGoToOtherAddressesOnlyWhereItProvesNone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := fields{"to": secondMail}
	r.start(elsewhere("forgot-password", one)).want(http.StatusAccepted, "")
	r.start(fields{"namespace": "verify-email", "to": "bo@example.org", "fallback": []any{one}}).want(http.StatusBadRequest, "invalid_request").field("#/fallback")
	r.start(fields{"namespace": "add-phone", "to": phone, "fallback": []any{fields{"to": "+4915123456780"}}}).want(http.StatusBadRequest, "invalid_request").field("#/fallback")
}

func TestOtherAddressesAreReadAsTheFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fallback []any
		code     string
		pointer  string
	}{
		"three of them":      {[]any{fields{"to": "a@example.com"}, fields{"to": "b@example.com"}, fields{"to": "c@example.com"}}, "invalid_request", "#/fallback"},
		"no address":         {[]any{fields{"to": "nobody"}}, "invalid_recipient", "#/fallback/0/to"},
		"the second is none": {[]any{fields{"to": secondMail}, fields{"to": "@"}}, "invalid_recipient", "#/fallback/1/to"},
		"the same as to":     {[]any{fields{"to": "bo@example.org"}}, "invalid_request", "#/fallback/0/to"},
		"twice the same":     {[]any{fields{"to": secondMail}, fields{"to": secondMail}}, "invalid_request", "#/fallback/1/to"},
		"another channel's":  {[]any{fields{"to": phone, "channel": "email"}}, "invalid_recipient", "#/fallback/0/to"},
		"no channel":         {[]any{fields{"to": phone, "channel": "fax"}}, "invalid_request", "#/fallback/0/channel"},
		"an unknown field":   {[]any{fields{"to": secondMail, "locale": "de"}}, "invalid_request", "#/fallback/0/locale"},
		"a number":           {[]any{fields{"to": secondMail}, fields{"to": 4915112345678}}, "invalid_request", "#/fallback/1/to"},
		"no object":          {[]any{secondMail}, "invalid_request", "#/fallback/0"},
		"a name that tells":  {[]any{fields{"to": secondMail, "kim@example.com": 1}}, "invalid_request", "#"},
	} {
		r := newRig(t)
		a := r.start(elsewhere("forgot-password", c.fallback...)).want(http.StatusBadRequest, c.code)
		if c.pointer != "" {
			a.field(c.pointer)
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestTheChannelOfAnotherAddressIsOneOfTheNamespaces(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(fields{"namespace": "phone-auth", "to": phone, "fallback": []any{fields{"to": secondMail}}}).
		want(http.StatusBadRequest, "channel_not_allowed").field("#/fallback/0/channel")
}

func TestASessionAndATimeLineTellOfTheOtherAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.start(elsewhere("forgot-password", fields{"to": "+4915123456780"})).want(http.StatusAccepted, "").text("id")
	c, ok, err := r.store.Claim(t.Context(), otp.Order{ID: otp.ID(id), Send: 1}, "w")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	letter, err := r.keys.OpenLetter(c.Owner, c.Fallback.Letter)
	if err != nil {
		t.Fatal(err)
	}
	next, _, _, err := r.store.Turn(t.Context(), c, r.keys.Owner(otp.ForgotPassword, letter.To, "", 16), "")
	if err != nil || next == nil {
		t.Fatal(next, err)
	}
	told := r.do(request{method: http.MethodGet, path: "/v1/verifications/" + id}).ok()
	delivery, _ := told.body["delivery"].(map[string]any)
	if told.text("channel") != "sms" || told.text("to_masked") != "b•••@e•••.org" || delivery["to_masked"] != "+49•••••••••80" {
		t.Errorf("%s", told.raw)
	}
	code, err := r.keys.OpenCode(c.Owner, c.Code)
	if err != nil {
		t.Fatal(err)
	}
	to := fields{"namespace": "forgot-password", "to": "bo@example.org"}
	token := r.check(to.with(fields{"code": code.Reveal()})).ok().token()
	state := r.do(request{path: "/v1/sessions/introspect", body: to.with(fields{"token": token})}).ok()
	if state.text("channel") != "sms" || state.text("to_masked") != "+49•••••••••80" {
		t.Errorf("%s", state.raw)
	}
}

// field wants one complaint, about this field.
func (a answer) field(pointer string) {
	a.t.Helper()
	errs, _ := a.body["errors"].([]any)
	if len(errs) != 1 || errs[0].(map[string]any)["pointer"] != pointer {
		a.t.Errorf("errors %v, want one of %s", a.body["errors"], pointer)
	}
}
