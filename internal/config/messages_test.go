package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
)

func messages(change func(m *config.Messages)) func(c *config.Config) {
	return func(c *config.Config) { change(&c.Messages) }
}

func TestACheckOfMessagesHasOneComplaintForEachFaultThatNamesTheSettingAndNoValue(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	for _, f := range []fault{
		{"no brand", messages(func(m *config.Messages) { m.Brand = " " }), "messages.brand"},
		{"a brand of two lines", messages(func(m *config.Messages) { m.Brand = "canary\r\nBcc: x" }), "messages.brand"},
		{"a param's bad name", messages(func(m *config.Messages) { m.Params["the device"] = "x" }), "messages.params"},
		{"a param that has a setting", messages(func(m *config.Messages) { m.Params["brand"] = "canary" }), "messages.params"},
		{"a param of two lines", messages(func(m *config.Messages) { m.Params["device"] = "canary\nx" }), "messages.params"},
		{"no default locale", messages(func(m *config.Messages) { m.DefaultLocale = "" }), "messages.default_locale"},
		{"no segments", messages(func(m *config.Messages) { m.SMSSegments = 0 }), "messages.sms_segments"},
		{"more segments than vendors join", messages(func(m *config.Messages) { m.SMSSegments = 11 }), "messages.sms_segments"},
		{"no segments of UCS-2", messages(func(m *config.Messages) { m.UnicodeSegments = 0 }), "messages.unicode_segments"},
		{"an origin with a scheme", messages(func(m *config.Messages) { m.Origin = "https://canary.com" }), "messages.origin"},
		{"an origin with a port", messages(func(m *config.Messages) { m.Origin = "canary.com:443" }), "messages.origin"},
		{"an origin with a path", messages(func(m *config.Messages) { m.Origin = "canary.com/login" }), "messages.origin"},
		{"an origin with an @", messages(func(m *config.Messages) { m.Origin = "@canary.com" }), "messages.origin"},
		{"an origin in capitals", messages(func(m *config.Messages) { m.Origin = "Canary.com" }), "messages.origin"},
		{"an origin in Unicode", messages(func(m *config.Messages) { m.Origin = "canarý.com" }), "messages.origin"},
		{"an origin with a last dot", messages(func(m *config.Messages) { m.Origin = "canary.com." }), "messages.origin"},
		{"an origin of one word", messages(func(m *config.Messages) { m.Origin = "canary" }), "messages.origin"},
		{"an address as origin", messages(func(m *config.Messages) { m.Origin = "192.0.2.1" }), "messages.origin"},
		{"an origin of two lines", messages(func(m *config.Messages) { m.Origin = "canary.com\nx" }), "messages.origin"},
		{"a namespace's bad origin", messages(func(m *config.Messages) { m.Origins["add-phone"] = "https://canary" }), "messages.origins"},
		{"an origin of no namespace", messages(func(m *config.Messages) { m.Origins["canary"] = "example.com" }), "messages.origins"},
		{"a short hash", messages(func(m *config.Messages) { m.AndroidHashes["phone-auth"] = "canary+9qC" }), "messages.android_hashes"},
		{"a long hash", messages(func(m *config.Messages) { m.AndroidHashes["phone-auth"] = "canary+9qCX9" }), "messages.android_hashes"},
		{"a hash in base64 for URLs", messages(func(m *config.Messages) { m.AndroidHashes["phone-auth"] = "canary_9qCX" }), "messages.android_hashes"},
		{"a bad hash for all", messages(func(m *config.Messages) { m.Origin, m.AndroidHash = "", "canary" }), "messages.android_hash"},
		{"a hash of no namespace", messages(func(m *config.Messages) { m.AndroidHashes["canary"] = "FA+9qCX9VSu" }), "messages.android_hashes"},
		{"an origin and a hash", messages(func(m *config.Messages) { m.AndroidHash = "FA+9qCX9VSu" }), "messages.origin"},
		{"an origin and a hash of one namespace", messages(func(m *config.Messages) { m.Origins["phone-auth"] = "example.com" }), "messages.origin"},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, good)
			f.change(&c)
			err := c.Check()
			if err == nil || !strings.HasPrefix(err.Error(), f.where+": ") || strings.Count(err.Error(), "\n") > 0 {
				t.Fatalf("got %v, want one complaint about %s", err, f.where)
			}
			if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "%!") {
				t.Fatalf("it quotes a value, or is garbled: %v", err)
			}
		})
	}
}

func TestATextCannotEndWithTwoLastLinesAndTheComplaintSaysWhose(t *testing.T) {
	t.Parallel()
	c := parse(t, good)
	c.Messages.Origins["phone-auth"] = "example.com"
	const want = "messages.origin: there is an Android hash too, and each must be the last line of a text: " +
		"choose one for phone-auth, in messages.origins or messages.android_hashes"
	if err := c.Check(); err == nil || err.Error() != want {
		t.Fatal(err)
	}
}

func TestOriginsThatAreRightPass(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"", "example.com", "login.example.co.uk", "xn--bcher-kva.example", "a-b.example", "1.example", "localhost"} {
		c := parse(t, good)
		c.Messages.Origin = origin
		if err := c.Check(); err != nil {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

func TestANamespacesOwnEndingGoesBeforeThatOfAll(t *testing.T) {
	t.Parallel()
	type ending struct{ Origin, Hash string }
	m := config.Messages{
		Origin:        "example.com",
		Origins:       map[string]string{"add-phone": "accounts.example.com", "verify-phone": ""},
		AndroidHashes: map[string]string{"phone-auth": "FA+9qCX9VSu"},
	}
	want := map[otp.Namespace]ending{
		otp.ForgotPassword: {"example.com", ""},
		otp.AddPhone:       {"accounts.example.com", ""},
		otp.PhoneAuth:      {"", "FA+9qCX9VSu"},
		otp.VerifyPhone:    {},
	}
	got := map[otp.Namespace]ending{}
	for ns := range want {
		origin, hash := m.Ending(ns)
		got[ns] = ending{origin, hash}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestTheEnvironmentSetsMessages(t *testing.T) {
	for name, value := range map[string]string{
		"ORIGIN": "example.org", "ORIGINS": "phone-auth:login.example.org,add-phone:", "ANDROID_HASHES": "verify-phone:FA+9qCX9VSu",
		"UNICODE_LOCALES": "ar,hi,ru", "SMS_SEGMENTS": "2", "DIRECTORY": "/templates",
	} {
		t.Setenv("OTPIPE_MESSAGES_"+name, value)
	}
	want := config.Default().Messages
	want.Origin, want.Origins = "example.org", map[string]string{"phone-auth": "login.example.org", "add-phone": ""}
	want.AndroidHashes = map[string]string{"verify-phone": "FA+9qCX9VSu"}
	want.UnicodeLocales, want.SMSSegments, want.Directory = []string{"ar", "hi", "ru"}, 2, "/templates"
	if d := cmp.Diff(want, parse(t, least).Messages); d != "" {
		t.Fatal(d)
	}
}
