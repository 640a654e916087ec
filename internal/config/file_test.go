package config_test

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

// complaintsOf are the lines of an error.
func complaintsOf(text string) string {
	if _, err := config.Parse(file, []byte(text)); err != nil {
		return err.Error()
	}
	return ""
}

// TestAllThatIsWrongIsSaidAtOnceByLine has a syntax error, values of the wrong
// kind, settings there are not, and values that are wrong, in one file and the
// environment.
func TestAllThatIsWrongIsSaidAtOnceByLine(t *testing.T) {
	t.Setenv("OTPIPE_LOG_LEVL", "info")
	t.Setenv("OTPIPE_LOG_FORMAT", "xml")
	t.Setenv("OTPIPE_WORKER_SMS_CONCURRENCY", "many")
	got := complaintsOf(`[redis]
url = "http://s3cr3t"
[api]
listen = 8080
amdin = ":9090"
[worker]
email_concurrency = s3cr3t
[store]
partitions = "16"
retention = "1 day"
events_kept = 7
[keys]
primary = "k1"
anchor = "s3cr3t"
[[keys.ring]]
id = "k1"
secret = ["s3cr3t"]
[[providers]]
name = "relay"
driver = "smtp"
smtp = { host = "smtp.example.com", port = "587", from = "otp@example.com" }
[[providers]]
name = "twilio"
driver = "twilio"
twilio = { from = "+15005550006", secret = "s3cr3t" }
[namespaces.phone-auth]
digits = "6"
life = "1s"
`)
	want := `otpipe.toml:2: redis.url: want redis://user:password@host:6379/0, rediss:// for TLS, or a form for sentinels or a cluster as in docs/settings.md
otpipe.toml:4: api.listen: want text in "quotes"
otpipe.toml:5: there is no setting api.amdin: did you mean admin?
otpipe.toml:7: this is not TOML: want setting = "value", setting = 1 or [table]
otpipe.toml:9: store.partitions: want a whole number without quotes
otpipe.toml:10: store.retention: want a duration such as 90s, 5m or 72h
otpipe.toml:11: store.events_kept: want 100 or more
otpipe.toml:14: keys.anchor: want 32 random bytes in base64 or hex: openssl rand -base64 32
otpipe.toml:17: keys.ring[0].secret: want text in "quotes"
otpipe.toml:21: providers[0].smtp.port: want a whole number without quotes
otpipe.toml:25: there is no setting providers[1].twilio.secret
otpipe.toml:27: namespaces.phone-auth.digits: want a whole number without quotes
otpipe.toml:28: namespaces.phone-auth.life: want at least 30s
environment: OTPIPE_LOG_FORMAT: log.format: want auto, json or text
environment: OTPIPE_LOG_LEVL: there is no such setting: did you mean OTPIPE_LOG_LEVEL?
environment: OTPIPE_WORKER_SMS_CONCURRENCY: worker.sms_concurrency: want a whole number`
	if got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

// What a broken line was to set is not known: nothing is said of settings that
// are missing, and only what cannot be told apart from it is skipped.
func TestAfterABrokenLineTheRestIsReadStill(t *testing.T) {
	t.Parallel()
	const notTOML = `this is not TOML: want setting = "value", setting = 1 or [table]`
	for name, c := range map[string]struct{ text, want string }{
		"a value missing":      {"[api]\nlisten =\nadmin = 1\n", ":2: " + notTOML + "\n:3: api.admin: want text in \"quotes\""},
		"two broken lines":     {"[api]\nlisten =\nadmin = :9090\n[log]\nlevel = \"loud\"\n", ":2: " + notTOML + "\n:3: " + notTOML + "\n:5: log.level: want debug, info, warn or error"},
		"a quote missing":      {"[api]\nlisten = \":80\nadmin = 1\n", ":2: " + notTOML + "\n:3: api.admin: want text in \"quotes\""},
		"a bracket missing":    {"[api\nlisten = 1\n[log]\nlevel = 1\n", ":1: " + notTOML + "\n:4: log.level: want text in \"quotes\""},
		"a list left open":     {"[routes]\nsms = [\nemail = 1\n\n[log]\nlevel = 1\n", ":2: " + strings.Replace(notTOML, ":", ", as line 3 shows:", 1) + "\n:6: log.level: want text in \"quotes\""},
		"a text left open":     {"[log]\nlevel = \"loud\"\nformat = \"\"\"\n\n[api]\nlisten = 1\n", ":2: log.level: want debug, info, warn or error\n:3: " + strings.Replace(notTOML, ":", ", as line 13 shows:", 1)},
		"junk behind a value":  {"[log]\nlevel = \"info\" please\nformat = 1\n", ":2: " + notTOML + "\n:3: log.format: want text in \"quotes\""},
		"a table twice":        {"[log]\nlevel = 1\n[api]\nlisten = 2\n[log]\nformat = 3\n", ":2: log.level: want text in \"quotes\"\n:4: api.listen: want text in \"quotes\"\n:5: log: this stands in line 1 already: want it once"},
		"a setting twice":      {"[log]\nlevel = \"info\"\nlevel = \"loud\"\n[api]\nlisten = 2\n", ":3: log.level: this stands in line 2 already: want it once\n:5: api.listen: want text in \"quotes\""},
		"a list as a table":    {"[providers]\nname = \"x\"\n[log]\nlevel = 1\n", ":1: providers: want tables, each under [[providers]]\n:4: log.level: want text in \"quotes\""},
		"a table of no entry":  {"[providers.smtp]\nhost = \"x\"\n[log]\nlevel = 1\n", ":1: providers: want tables, each under [[providers]]\n:4: log.level: want text in \"quotes\""},
		"a name of no entry":   {"keys.ring.id = \"x\"\n[log]\nlevel =\n", ":1: keys.ring: want tables, each under [[keys.ring]]\n:3: " + notTOML},
		"a table as a list":    {"[[log]]\nlevel = \"loud\"\n[api]\nlisten = 1\n", ":1: log: want a table [log]\n:4: api.listen: want text in \"quotes\""},
		"a table as a value":   {"log = \"info\"\n[api]\nlisten = 1\n", ":1: log: want a table [log]\n:3: api.listen: want text in \"quotes\""},
		"a namespace's value":  {"[namespaces]\nphone-auth = 5\n[log]\nlevel = 1\n", ":2: namespaces.phone-auth: want a table [namespaces.phone-auth]\n:4: log.level: want text in \"quotes\""},
		"a control character":  {"# \x01\n[log]\nlevel = \"loud\"\n", ":1: " + notTOML + "\n:3: log.level: want debug, info, warn or error"},
		"lines of Windows":     {"[log]\r\nlevel = \r\nformat = 1\r\n", ":2: " + notTOML + "\n:3: log.format: want text in \"quotes\""},
		"not a text at all":    {"\x00\xff\xfe", ":1: " + notTOML},
		"a name in capitals":   {"[Log]\nLevel = \"loud\"\n", ":2: log.level: want debug, info, warn or error"},
		"a dotted name":        {"log.level = \"loud\"\nlog.format = 1\n", ":1: log.level: want debug, info, warn or error\n:2: log.format: want text in \"quotes\""},
		"an entry of two":      {"[[callers]]\nname = \"x\"\n[[callers]]\nscopes = 1\n[log]\nlevel =\n", ":4: callers[1].scopes: want a list of texts, such as [\"one\", \"two\"]\n:6: " + notTOML},
		"entries in one line":  {"callers = [{ name = 1 }, { scopes = [] }]\n[log]\nlevel =\n", ":1: callers[0].name: want text in \"quotes\"\n:3: " + notTOML},
		"durations by numbers": {"[namespaces.phone-auth]\nlocks = [900]\n[log]\nlevel =\n", ":2: namespaces.phone-auth.locks: a duration has a unit: want 90s, 5m or 72h\n:4: " + notTOML},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := strings.ReplaceAll(complaintsOf(c.text+least), file, "")
			if got != c.want {
				t.Fatalf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
