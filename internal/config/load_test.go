package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/config"
)

// lineOf is where a text stands in the good file.
func lineOf(t *testing.T, text string) int {
	t.Helper()
	before, _, found := strings.Cut(good, text)
	if !found {
		t.Fatalf("%s is not in the file", text)
	}
	return strings.Count(before, "\n") + 1
}

func TestAnUnknownSettingIsRefusedWithItsLineAndName(t *testing.T) {
	t.Parallel()
	secrets := canaries(t)
	for before, unknown := range map[string]string{
		`anchor = "`:       "keys.anhcor",
		`queue_url = `:     "redis.quue_url",
		`auth_tokens = `:   "providers[0].twilio.auth_token",
		`helo = `:          "providers[1].smtp.hello",
		`[api]`:            "redis.password",
		`key_sha256 = "5a`: "callers[1].key",
	} {
		name := unknown[strings.LastIndex(unknown, ".")+1:]
		text := strings.Replace(good, before, name+" = \"canary-of-a-typo\"\n"+before, 1)
		_, err := config.Parse(file, []byte(text))
		want := fmt.Sprintf("%s:%d: there is no setting %s", file, lineOf(t, before), unknown)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %s", err, want)
			continue
		}
		silent(t, "the complaint", err.Error(), secrets)
	}
}

func TestAllUnknownSettingsAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Parse(file, []byte("colour = 1\n[keys]\nsmell = 2\n[paint]\nred = 3\n"))
	want := "otpipe.toml:1: there is no setting colour\n" +
		"otpipe.toml:2: keys.anchor: want 32 random bytes in base64 or hex: openssl rand -base64 32\n" +
		"otpipe.toml:2: keys.ring: want a key: [[keys.ring]] with an id and a secret\n" +
		"otpipe.toml:3: there is no setting keys.smell\notpipe.toml:4: there is no setting paint"
	if err == nil || err.Error() != want {
		t.Fatalf("got %v", err)
	}
}

func TestAValueOfTheWrongKindIsRefusedWithItsPlaceAndName(t *testing.T) {
	t.Parallel()
	secrets := append(canaries(t), "s3cr3t")
	for old, wrong := range map[string]struct{ line, setting string }{
		`partitions = 32`:           {`partitions = "s3cr3t"`, "store.partitions"},
		`retention = "48h"`:         {`retention = "s3cr3t"`, "store.retention"},
		`listen = "127.0.0.1:8000"`: {`listen = 8000`, "api.listen"},
		`port = 587`:                {`port = "s3cr3t"`, "providers[1].smtp.port"},
		`connections = 9`:           {`connections = 9.5`, "providers[1].smtp.connections"},
		`scopes = ["send", "check"]`: {
			`scopes = "s3cr3t"`, "callers[0].scopes",
		},
		`auth_tokens = ["canary-of-token-1", "canary-of-token-2"]`: {`auth_tokens = "s3cr3t"`, "providers[0].twilio.auth_tokens"},
	} {
		_, err := config.Parse(file, []byte(strings.Replace(good, old, wrong.line, 1)))
		if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("%s:%d:", file, lineOf(t, old))) || !strings.Contains(err.Error(), wrong.setting) {
			t.Errorf("%s: %v", wrong.line, err)
			continue
		}
		silent(t, "the complaint", err.Error(), secrets)
	}
}

// Sixty of nothing is sixty nanoseconds to a decoder that does not ask.
func TestADurationWithoutItsUnitIsRefused(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"cooldown = 60", "all_cooldown = 10", "strike_life = 48", "min_left = 120", "locks = [900, 3600]"} {
		c, err := config.Parse(file, []byte(least+"[namespaces.phone-auth]\n"+setting+"\n"))
		if err == nil {
			p := c.Policies()["phone-auth"]
			t.Errorf("%s passes: cooldown %s, all_cooldown %s, strike_life %s, min_left %s, locks %s", setting, p.Cooldown, p.AllCooldown, p.StrikeLife, p.MinLeft, p.Locks)
		}
	}
}

// The decoder draws a picture of the place where a file is wrong, with the
// lines around it. Whatever is broken beside a secret, or in it, none is shown.
func TestAFileBrokenBesideASecretDoesNotShowIt(t *testing.T) {
	t.Parallel()
	secrets := canaries(t)
	lines := strings.Split(good, "\n")
	for i, line := range lines {
		if !strings.Contains(line, "canary") && !strings.Contains(line, "secret =") && !strings.Contains(line, "anchor =") {
			continue
		}
		half := line[:len(line)-3]
		for _, broken := range [][]string{
			{"nonsense", line},
			{line, "nonsense"},
			{"= 1", line},
			{line, "= 1"},
			{"x = ", line},
			{line, "x = "},
			{"x = [", line},
			{line, "x = \""},
			{"unknown = 1", line},
			{line, "unknown = 1"},
			{"x = \"\x01\"", line},
			{line, "x = \"\\q\""},
			{"[", line},
			{line, "[a"},
			{line, line},
			{half},
			{strings.ReplaceAll(line, `"`, "")},
			{strings.Replace(line, "=", "", 1)},
			{strings.Replace(line, `"`, "'", 1)},
			{line + " nonsense"},
			{line + line},
			{"x" + line},
			{strings.Replace(line, `"`, `"\q`, 1)},
			{strings.Replace(line, " = ", " = 1 ", 1)},
		} {
			text := strings.Join(slices.Concat(lines[:i], broken, lines[i+1:]), "\n")
			_, err := config.Parse(file, []byte(text))
			if err == nil {
				continue // as where 'x' + line is still a known table
			}
			if !strings.Contains(err.Error(), file+":") {
				t.Errorf("%.20q does not say where: %v", broken, err)
			}
			silent(t, fmt.Sprintf("the complaint about %.40q", broken), err.Error(), secrets)
		}
	}
}

func TestWhatIsBrokenSaysWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[api]\nlisten = \n":            "otpipe.toml:2:",
		"[api\n":                        "otpipe.toml:1:",
		"[api]\nlisten = \"x\n\n":       "otpipe.toml:2:",
		"\n\n[keys]\nanchor = = \"x\"":  "otpipe.toml:4:",
		"[log]\nlevel='a'\nlevel='b'\n": "otpipe.toml:3:",
	} {
		if _, err := config.Parse(file, []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheEnvironmentGoesBeforeTheFile(t *testing.T) {
	for name, value := range map[string]string{
		"OTPIPE_REDIS_URL":                      "redis://env:1/0",
		"OTPIPE_REDIS_QUEUE_URL":                "redis://env:2/0",
		"OTPIPE_API_LISTEN":                     ":1",
		"OTPIPE_API_ADMIN":                      ":2",
		"OTPIPE_API_PUBLIC_URL":                 "https://env.example.com",
		"OTPIPE_WORKER_ADMIN":                   ":3",
		"OTPIPE_WORKER_SMS_CONCURRENCY":         "11",
		"OTPIPE_WORKER_BOUNCES":                 ":4",
		"OTPIPE_STORE_PARTITIONS":               "64",
		"OTPIPE_STORE_RETENTION":                "24h",
		"OTPIPE_KEYS_PRIMARY":                   "k1",
		"OTPIPE_KEYS_RING_0_SECRET":             someSecret,
		"OTPIPE_CALLERS_1_SCOPES":               "read",
		"OTPIPE_CALLERS_1_NAMESPACES":           "add-phone,add-email",
		"OTPIPE_PROVIDERS_0_TWILIO_PASSWORD":    "from-the-environment",
		"OTPIPE_PROVIDERS_0_TWILIO_AUTH_TOKENS": "one,two,three",
		"OTPIPE_PROVIDERS_1_SMTP_PORT":          "465",
		"OTPIPE_PROVIDERS_1_SMTP_HOST":          "env.example.com",
		"OTPIPE_MESSAGES_BRAND":                 "Env",
		"OTPIPE_LOG_LEVEL":                      "error",
		"OTPIPE_ROUTES_EMAIL":                   "relay",
		"OTPIPE_PROVIDERS_0_TWILIO_FROM":        "+15005550001",
		"OTPIPE_PROVIDERS_0_TWILIO_BASE_URL":    "",
		"OTPIPE_PROVIDERS_1_SMTP_CONNECTIONS":   "3",
		"OTPIPE_STORE_DURABILITY":               "redis",
		"OTPIPE_PROVIDERS_0_TWILIO_ACCOUNT_SID": "ACffffffffffffffffffffffffffffffff",
		"OTPIPE_STORE_EVENTS_KEPT":              "1000",
		"OTPIPE_PROVIDERS_1_SMTP_FROM":          "env@example.com",
		"OTPIPE_CALLERS_0_KEY_SHA256":           "111" + hashOfShop[3:],
		"OTPIPE_PROVIDERS_1_SMTP_TLS":           "implicit",
		"OTPIPE_WORKER_EMAIL_CONCURRENCY":       "12",
		"OTPIPE_LOG_FORMAT":                     "json",
	} {
		t.Setenv(name, value)
	}
	c := parse(t, good)
	p, s := c.Providers[0].Twilio, c.Providers[1].SMTP
	got := fmt.Sprint(
		c.Redis.URL.Reveal(), " ", c.Redis.QueueURL.Reveal(), " ", c.API, c.Worker, c.Store, c.Keys.Primary, c.Keys.Ring[0].ID, " ", c.Callers[1].Scopes, c.Callers[1].Namespaces, " ",
		p.Password.Reveal(), " ", len(p.AuthTokens), p.AuthTokens[2].Reveal(), " ", p.From, " ", p.BaseURL, " ", p.AccountSID[:4], " ",
		s.Host, s.Port, s.Connections, s.From, s.TLS, " ", c.Messages.Brand, c.Log, c.Routes, c.Callers[0].KeySHA256[:3],
	)
	want := "redis://env:1/0 redis://env:2/0 {:1 :2 [10.0.0.0/8] https://env.example.com 500 {  } {  }} {:3 11 12 120000000000 :4   {  }} {64 86400000000000 1000 redis 2}k1k1 [read] [add-phone add-email] " +
		"from-the-environment 3three +15005550001 http://127.0.0.1:1 ACff " +
		"env.example.com465 3env@example.comimplicit Env{error json} {[twilio-eu] [relay] []}111"
	if got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	if c.Callers[0].Name != "shop" || c.Providers[1].Name != "relay" || s.Password.Reveal() != "canary-of-smtp" {
		t.Fatal("what the environment does not name did not stay")
	}
	if time.Duration(c.Store.Retention) != 24*time.Hour {
		t.Fatal(c.Store.Retention)
	}
}

func TestTheEnvironmentAddsToAList(t *testing.T) {
	t.Setenv("OTPIPE_PROVIDERS_0_TWILIO_USERNAME", "SK"+someSID[2:])
	t.Setenv("OTPIPE_PROVIDERS_1_SMTP_HELO", "env.example.com")
	t.Setenv("OTPIPE_PROVIDERS_3_NAME", "backup")
	t.Setenv("OTPIPE_PROVIDERS_3_DRIVER", "smtp")
	t.Setenv("OTPIPE_PROVIDERS_3_SMTP_HOST", "backup.example.com")
	t.Setenv("OTPIPE_PROVIDERS_3_SMTP_PORT", "25")
	t.Setenv("OTPIPE_PROVIDERS_3_SMTP_FROM", "otp@example.com")
	t.Setenv("OTPIPE_ROUTES_EMAIL", "relay,backup")
	c := parse(t, good)
	if len(c.Providers) != 4 || c.Providers[3].SMTP.Host != "backup.example.com" || c.Providers[0].Twilio.Username != "SK"+someSID[2:] || c.Providers[0].Name != "twilio-eu" {
		t.Fatalf("%+v", c.Providers)
	}
}

func TestAnEntryOfTheEnvironmentBehindTheListOfTheFileIsNotLost(t *testing.T) {
	t.Setenv("OTPIPE_PROVIDERS_3_NAME", "backup")
	t.Setenv("OTPIPE_PROVIDERS_3_DRIVER", "smtp")
	t.Setenv("OTPIPE_PROVIDERS_3_SMTP_HOST", "backup.example.com")
	t.Setenv("OTPIPE_PROVIDERS_3_SMTP_PORT", "25")
	t.Setenv("OTPIPE_PROVIDERS_3_SMTP_FROM", "otp@example.com")
	c, err := config.Parse(file, []byte(good))
	if err == nil && len(c.Providers) != 4 {
		t.Fatalf("%d providers and no complaint", len(c.Providers))
	}
}

func TestAnEmptyVariableIsNoVariable(t *testing.T) {
	for _, name := range []string{"OTPIPE_API_LISTEN", "OTPIPE_REDIS_URL", "OTPIPE_LOG_LEVEL", "PORT", "REDIS_URL"} {
		t.Setenv(name, "")
	}
	c := parse(t, good)
	if c.API.Listen != "127.0.0.1:8000" || c.Redis.URL.Reveal() != parse(t, good).Redis.URL.Reveal() || c.Log.Level != "debug" {
		t.Fatalf("%+v", c.API)
	}
}

func TestTheVariablesOfPlatformsGoBetweenFileAndOurOwn(t *testing.T) {
	t.Setenv("PORT", "5000")
	t.Setenv("REDIS_URL", "redis://platform:6379")
	c := parse(t, good)
	if c.API.Listen != ":5000" || c.Redis.URL.Reveal() != "redis://platform:6379" {
		t.Fatalf("over the file: %s", c.API.Listen)
	}
	t.Setenv("OTPIPE_API_LISTEN", ":6000")
	t.Setenv("OTPIPE_REDIS_URL", "redis://ours:6379")
	c = parse(t, good)
	if c.API.Listen != ":6000" || c.Redis.URL.Reveal() != "redis://ours:6379" {
		t.Fatalf("under our own: %s", c.API.Listen)
	}
}

func TestABadVariableIsNamedAndItsValueIsNot(t *testing.T) {
	for _, name := range []string{"OTPIPE_STORE_PARTITIONS", "OTPIPE_STORE_RETENTION", "OTPIPE_PROVIDERS_1_SMTP_PORT"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "s3cr3t")
			_, err := config.Parse(file, []byte(good))
			if err == nil {
				t.Fatal("it passes")
			}
			silent(t, "the complaint", err.Error(), []string{"canary", "s3cr3t"})
			if !strings.Contains(err.Error(), name) {
				t.Fatalf("which variable? %v", err)
			}
		})
	}
}

func TestASecretOfTheEnvironmentThatCannotBeReadIsNamed(t *testing.T) {
	for name, value := range map[string]string{
		"OTPIPE_PROVIDERS_0_TWILIO_PASSWORD": "file:/nowhere/at/all",
		"OTPIPE_KEYS_ANCHOR":                 "env:NO_SUCH_VARIABLE",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			_, err := config.Parse(file, []byte(good))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Fatalf("which variable? %v", err)
			}
		})
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func withPassword(value string) []byte {
	return []byte(strings.Replace(good, `"canary-of-smtp"`, fmt.Sprintf("%q", value), 1))
}

func TestASecretIsReadFromItsFileWithoutTheLineBreakAtTheEnd(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"pa ss":         "pa ss",
		"pass\n":        "pass",
		"pass\r\n":      "pass",
		"pass\n\n":      "pass",
		" pass \n":      " pass ",
		"two\nlines\n":  "two\nlines",
		"env:NOT_AGAIN": "env:NOT_AGAIN",
	} {
		c, err := config.Parse(file, withPassword("file:"+write(t, text)))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Providers[1].SMTP.Password.Reveal(); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestASecretIsReadFromItsVariableAsItIs(t *testing.T) {
	t.Setenv("SOME_PASSWORD", "file:not a path\n")
	c, err := config.Parse(file, withPassword("env:SOME_PASSWORD"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Providers[1].SMTP.Password.Reveal(); got != "file:not a path\n" {
		t.Fatalf("%q", got)
	}
}

func TestASecretOfTheEnvironmentMayPointOnToAFile(t *testing.T) {
	t.Setenv("OTPIPE_PROVIDERS_1_SMTP_PASSWORD", "file:"+write(t, "from a file\n"))
	if got := parse(t, good).Providers[1].SMTP.Password.Reveal(); got != "from a file" {
		t.Fatalf("%q", got)
	}
}

func TestASecretThatCannotBeReadIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"file:/nowhere/at/all", "file:", "file:/", "env:NO_SUCH_VARIABLE", "env:"} {
		_, err := config.Parse(file, withPassword(value))
		want := fmt.Sprintf("%s:%d:", file, lineOf(t, `"canary-of-smtp"`))
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "providers[1].smtp.password") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestASecretThatCannotBeReadSaysWhy(t *testing.T) {
	t.Parallel()
	for value, why := range map[string]string{"file:/nowhere/at/all": "file", "env:NO_SUCH_VARIABLE": "NO_SUCH_VARIABLE"} {
		if _, err := config.Parse(file, withPassword(value)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", value, err)
		}
	}
}
