package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/config"
)

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "%#x", "%+q", "%20v", "%.3s", "%T", "%c", "%t", "%z"}

func TestEverySecretOfAConfigurationIsTested(t *testing.T) {
	t.Parallel()
	want := []string{
		".Redis.URL", ".Redis.QueueURL", ".Keys.Anchor", ".Keys.Ring[].Secret",
		".Providers[].Twilio.Password", ".Providers[].Twilio.AuthTokens[]", ".Providers[].SMTP.Password",
		".Providers[].Webhook.URL", ".Providers[].Webhook.Secrets[]", ".Events[].URL", ".Events[].Secrets[]",
		".Support.Users[].PasswordHash", ".Support.OIDC.ClientSecret", ".Audit.Sink", ".Database.URL",
	}
	got := secretsOf(parse(t, good))
	for _, name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is no secret", name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are more secrets than the good file sets: %d", len(got))
	}
}

func TestAConfigurationPrintsNoSecret(t *testing.T) {
	t.Parallel()
	secrets, c := canaries(t), parse(t, good)
	for name, v := range map[string]any{
		"all": c, "a pointer": &c, "providers": c.Providers, "a provider": c.Providers[0], "twilio": c.Providers[0].Twilio,
		"keys": c.Keys, "redis": c.Redis, "a secret": c.Redis.URL, "a pointer to a secret": &c.Redis.URL, "tokens": c.Providers[0].Twilio.AuthTokens,
		"a map": map[string]any{"c": c},
	} {
		for _, verb := range verbs {
			silent(t, verb+" of "+name, fmt.Sprintf(verb, v), secrets)
		}
		silent(t, "Sprint of "+name, fmt.Sprint(v), secrets)
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		silent(t, "JSON of "+name, string(b), secrets)
		for _, h := range []func(b *bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(h(&b)).With("with", v).Info("said", "config", v, slog.Group("group", "config", v))
			silent(t, "slog of "+name, b.String(), secrets)
		}
	}
}

// See the test of the same name in package otp.
func TestASecretIsSafeWhereFmtDoesNotAskItsFormat(t *testing.T) {
	t.Parallel()
	secrets, c := canaries(t), parse(t, good)
	for _, verb := range verbs {
		silent(t, verb+" in an unexported field", fmt.Sprintf(verb, struct{ c config.Config }{c}), secrets)
	}
}

func TestASecretSaysOnlyThatItIsOne(t *testing.T) {
	t.Parallel()
	for _, s := range []config.Secret{config.NewSecret("x"), {}} {
		if got := fmt.Sprintf("%v %s %#v", s, s, s); got != "[redacted] [redacted] [redacted]" {
			t.Error(got)
		}
	}
	if config.NewSecret("x").Reveal() != "x" || !config.NewSecret("x").Set() || (config.Secret{}).Set() {
		t.Error("a secret lost its value")
	}
}

func TestADurationIsWrittenAsItIsRead(t *testing.T) {
	t.Parallel()
	var d config.Duration
	if err := d.UnmarshalText([]byte("1h30m")); err != nil || time.Duration(d) != 90*time.Minute {
		t.Fatalf("%s, %v", time.Duration(d), err)
	}
	if b, err := d.MarshalText(); err != nil || string(b) != "1h30m0s" {
		t.Fatalf("%s, %v", b, err)
	}
	for _, bad := range []string{"", "s3cr3t", "90", "5 m", "one hour"} {
		if err := d.UnmarshalText([]byte(bad)); err == nil || bad != "" && strings.Contains(err.Error(), bad+" ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
