package ctl_test

import (
	"os"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/devkit"
)

// secrets are what no command may show.
var secrets = []string{apiKey, anchor, ringSecret, relayWord, redisWord, devkit.TwilioToken, "Y2FuYXJ5LW9mLXRoZS1maXJzdC1zZWNyZXQtLS0="}

func wantNoSecret(t *testing.T, args []string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("otpctl %v tells %s:\n%s", args, secret, text)
			}
		}
	}
}

// reading are the commands that make nothing new.
var reading = [][]string{
	{"config", "check"},
	{"keys", "rotate", "--secret-file", "/dev/null/nowhere"},
	{"queue"},
	{"doctor"},
	{"doctor", "--timeout", "1ns"},
	{"template", "lint"},
	{"template", "preview", "phone-auth"},
	{"apikey", "new", "--name", "operator", "--scopes", "send"},
	{"nonsense"},
	{"--help"},
}

func TestNoCommandShowsASecretOfTheConfiguration(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	good := plan{}.filled(h, h.api)
	for name, change := range map[string]func(p *plan){
		"all is well":   func(*plan) {},
		"other secrets": func(p *plan) { p.RedisWord = "not-" + relayWord; p.Token = devkit.TwilioToken[1:] + "0" },
		"nobody is there": func(p *plan) {
			p.Redis, p.Twilio, p.Mail, p.Public = "127.0.0.1:1", "http://127.0.0.1:1", 1, "http://127.0.0.1:1"
		},
		"a gateway":          func(p *plan) { p.More = gateway },
		"a slip in a secret": func(p *plan) { p.Secret += "!"; p.Anchor = "!" + p.Anchor },
		"a broken line":      func(p *plan) { p.More = "password = \"" + relayWord },
		"AUTH is not there":  func(p *plan) { p.SMTP = "username = \"otp\"\npassword = \"" + relayWord + "\"" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := good
			change(&p)
			env := []string{"OTPIPE_CONFIG=" + p.write(t, h.dir), "OTPIPE_URL=" + p.Public, "OTPIPE_KEY=" + apiKey}
			for _, args := range reading {
				for _, more := range [][]string{nil, {"--json"}} {
					line := append(append([]string{}, args...), more...)
					out, wrong, _ := otpctlIn(t, env, "", line...)
					wantNoSecret(t, line, out, wrong)
				}
			}
		})
	}
}

const gateway = `
[[providers]]
name = "zeta"
driver = "webhook"
[providers.webhook]
url = "https://user:` + relayWord + `@127.0.0.1:1/?token=` + relayWord + `"
secrets = ["whsec_Y2FuYXJ5LW9mLXRoZS1maXJzdC1zZWNyZXQtLS0="]
`

func TestANewSecretIsShownOnceAndToNobodyElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	path := h.dir + "/new.secret"
	args := []string{"keys", "rotate", "-c", h.config, "--write", "--secret-file", path}
	out, wrong, code := otpctl(t, args...)
	secret, err := os.ReadFile(path)
	if code != 0 || err != nil || len(secret) < 40 {
		t.Fatalf("it ended with %d: %s%s", code, out, wrong)
	}
	if strings.Contains(out+wrong, strings.TrimSpace(string(secret))) {
		t.Errorf("it shows the secret:\n%s", out)
	}
	wantNoSecret(t, args, out, wrong)
}
