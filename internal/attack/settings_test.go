package attack_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"
	"text/template"
)

// publicURL is where vendors think that the api is; nobody is there, so that only
// the attackers report.
const publicURL = "https://otp.example"

// account is the one with the texting vendor.
const account = "AC0123456789abcdef0123456789abcdef"

// namespaces of the target. Codes of ten digits are found wherever they leak; the
// policies are the default ones where nothing else is said.
const namespaces = `
[namespaces.phone-auth]
digits = 10
[namespaces.verify-email]
digits = 10
[namespaces.open]
digits = 10
cooldown = "0s"
all_cooldown = "0s"
daily = 100000
all_daily = 100000
[namespaces.theirs]
digits = 10
cooldown = "0s"
all_cooldown = "0s"
daily = 100000
all_daily = 100000
[namespaces.relayed]
digits = 10
[namespaces.first]
digits = 10
cooldown = "0s"
all_cooldown = "0s"
[namespaces.second]
digits = 10
cooldown = "0s"
all_cooldown = "0s"
[namespaces.third]
digits = 10
cooldown = "0s"
all_cooldown = "0s"
`

// guessable are those of the target whose clock is moved: the default policy with
// short codes, so that some guesses are right.
const guessable = `
[namespaces.front]
digits = 4
[namespaces.second]
digits = 4
[namespaces.third]
digits = 4
[namespaces.fourth]
digits = 4
[namespaces.rotating]
digits = 4
resend = "rotate"
[namespaces.lucky]
digits = 4
max_checks = 20
lock_after = 20
`

// caller is the holder of a key.
type caller struct {
	Name, Key          string
	Scopes, Namespaces []string
}

// KeySHA256 is how the configuration knows the key.
func (c caller) KeySHA256() string {
	sum := sha256.Sum256([]byte(c.Key))
	return hex.EncodeToString(sum[:])
}

// settings are a configuration file.
type settings struct {
	Redis, Queue, Listen, Admin, Support string // host:port
	Twilio, Gateway                      string // URLs
	Mail                                 int    // port
	Account, Token, PublicURL            string
	PasswordHash                         string // of the support pages' admin
	Told                                 string // URL that notices are posted to
	Disposable                           string // file of mail domains
	Audit                                string // URL of the audit trail's sink
	RingKey, Anchor, GatewaySecret       string
	Callers                              []caller
	Namespaces                           string
}

var file = template.Must(template.New("toml").Parse(`
[redis]
url = "redis://{{.Redis}}/0"
queue_url = "redis://{{.Queue}}/0"

[api]
listen = "{{.Listen}}"
admin = "{{.Admin}}"
public_url = "{{.PublicURL}}"

[worker]
admin = "{{.Admin}}"

[keys]
primary = "attack"
anchor = "{{.Anchor}}"

[[keys.ring]]
id = "attack"
secret = "{{.RingKey}}"
{{range .Callers}}
[[callers]]
name = "{{.Name}}"
key_sha256 = "{{.KeySHA256}}"
scopes = [{{range .Scopes}}"{{.}}", {{end}}]
namespaces = [{{range .Namespaces}}"{{.}}", {{end}}]
{{end}}
[[providers]]
name = "twilio"
driver = "twilio"
[providers.twilio]
account_sid = "{{.Account}}"
password = "{{.Token}}"
auth_tokens = ["{{.Token}}"]
from = "+15005550006"
base_url = "{{.Twilio}}"

[[providers]]
name = "gateway"
driver = "webhook"
[providers.webhook]
url = "{{.Gateway}}"
secrets = ["{{.GatewaySecret}}"]

[[providers]]
name = "smtp"
driver = "smtp"
[providers.smtp]
host = "127.0.0.1"
port = {{.Mail}}
tls = "none"
from = "otpipe <codes@otpipe.test>"

[routes]
sms = ["twilio"]
email = ["smtp"]

[[routes.rules]]
channel = "sms"
namespaces = ["{{if .Support}}relayed{{else}}rotating{{end}}"]
providers = ["gateway"]
{{if not .Support}}
[destinations]
countries = ["*"]
{{else}}` + bounds + `
[audit]
sink = "{{.Audit}}"

[[events]]
name = "told"
url = "{{.Told}}"
secrets = ["{{.GatewaySecret}}"]
allow_private = true

[support]
listen = "{{.Support}}"
country = "DE"

[[support.users]]
name = "admin"
password_hash = "{{.PasswordHash}}"
role = "admin"
{{end}}
[log]
level = "debug"
format = "json"
{{.Namespaces}}
`))

// write makes a configuration file.
func (s settings) write(t testing.TB, dir string) (path string) {
	t.Helper()
	f, err := os.CreateTemp(dir, "*.toml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := file.Execute(f, s); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}
