package config_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

// The settings of whoever runs the tests are none of ours.
func TestMain(m *testing.M) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if name == "PORT" || name == "REDIS_URL" || strings.HasPrefix(name, "OTPIPE_") {
			_ = os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

// Secrets and hashes as people make them.
const (
	someSecret    = "f4d1c0a2b39e5786f4d1c0a2b39e57860f1e2d3c4b5a69788796a5b4c3d2e1f0"
	otherSecret   = "0f1e2d3c4b5a69788796a5b4c3d2e1f0f4d1c0a2b39e5786f4d1c0a2b39e5786"
	hashOfShop    = "c9b0d4a7e4f9f7a2b6c1d3e5f7081929394a4b5c6d7e8f90a1b2c3d4e5f60718"
	hashOfSupport = "5a0c3e8d1f2b4a697887960a5b4c3d2e1f00112233445566778899aabbccddee"
	hashOfAda     = "$argon2id$v=19$m=19456,t=2,p=1$Y2FuYXJ5LW9mLXNhbHQ$Y2FuYXJ5LW9mLXRoZS1wYXNzd29yZC0tLS0tLS0tLS0"
)

// good sets everything that can be set but the namespaces. Its secrets are
// canaries: each has a value of its own.
const good = `
[redis]
url = "rediss://user:canary-of-redis@redis.example.com:6380/1"
queue_url = "redis://user:canary-of-queue@127.0.0.1:6379/2"

[api]
listen = "127.0.0.1:8000"
admin = ":9000"
public_url = "https://otp.example.com"
proxies = ["10.0.0.0/8"]
connections = 500

[worker]
admin = ":9001"
sms_concurrency = 7
email_concurrency = 8

[store]
partitions = 32
retention = "48h"
events_kept = 500
durability = "replicated"
replicas = 2

[keys]
primary = "k2"
anchor = "63616e6172792d6f662d7468652d616e63686f722d2d2d2d2d2d2d2d2d2d2d2d"

[[keys.ring]]
id = "k1"
secret = "Y2FuYXJ5LW9mLWtleS1vbmUtLS0tLS0tLS0tLS0tLS0="

[[keys.ring]]
id = "k2"
secret = "Y2FuYXJ5LW9mLWtleS10d28tLS0tLS0tLS0tLS0tLS0"

[[callers]]
name = "shop"
key_sha256 = "c9b0d4a7e4f9f7a2b6c1d3e5f7081929394a4b5c6d7e8f90a1b2c3d4e5f60718"
scopes = ["send", "check"]
namespaces = ["phone-auth"]

[[callers]]
name = "support"
key_sha256 = "5a0c3e8d1f2b4a697887960a5b4c3d2e1f00112233445566778899aabbccddee"
scopes = ["read", "operate"]

[[providers]]
name = "twilio-eu"
driver = "twilio"
[providers.twilio]
account_sid = "AC0123456789abcdef0123456789abcdef"
username = "SK0123456789abcdef0123456789abcdef"
password = "canary-of-twilio"
auth_tokens = ["canary-of-token-1", "canary-of-token-2"]
from = "+15005550006"
base_url = "http://127.0.0.1:1"

[[providers]]
name = "relay"
driver = "smtp"
[providers.smtp]
host = "smtp.example.com"
port = 587
tls = "mandatory"
username = "otp"
password = "canary-of-smtp"
from = "Example <otp@example.com>"
helo = "otp.example.com"
connections = 9

[routes]
sms = ["twilio-eu"]
email = ["relay"]

[destinations]
countries = ["DE", "*"]
deny_prefixes = ["+4915566"]
refuse_voip = true
disposable_domains = "/etc/otpipe/disposable.txt"
prices = { DE = "0.075", "*" = "0.1" }
daily_spend = { DE = "50" }

[toll_guard]
mode = "block"
digits = 6
least = 30
country_least = 300
ratio = 0.1
window = "12h"
grace = "2m"
block = "6h"

[database]
url = "postgres://otp:canary-of-database@db.example.com/otpipe"

[audit]
sink = "postgres://otp:canary-of-audit@db.example.com/otpipe"
retention = "8760h"
file_size = 50
strict = true

[[limits]]
name = "per-range"
by = ["namespace", "prefix"]
max = 30
interval = "10m"
digits = 7
namespaces = ["phone-auth"]
channels = ["sms"]
countries = ["DE"]

[[providers]]
name = "gateway"
driver = "webhook"
[providers.webhook]
url = "https://user:canary-of-hook@gateway.example.com/otpipe"
secrets = ["whsec_bmV4dC1vZi13ZWJob29rLS0tLS0tLS0tLS0tLS0t", "bGFzdC1vZi13ZWJob29rLS0tLS0tLS0tLS0tLS0t"]
from = "Example"

[[events]]
name = "shop"
url = "https://user:canary-of-events@shop.example.com/otpipe"
secrets = ["whsec_b3duZXItb2YtZXZlbnRzLS0tLS0tLS0tLS0tLS0t"]
namespaces = ["phone-auth"]
types = ["verification.approved", "delivery.failed"]
allow_private = true

[support]
listen = "127.0.0.1:8001"
public_url = "https://support.example.com"
idle = "20m"
absolute = "8h"
country = "DE"
proxies = ["10.0.0.0/8", "192.0.2.7"]

[[support.users]]
name = "ada"
password_hash = "$argon2id$v=19$m=19456,t=2,p=1$Y2FuYXJ5LW9mLXNhbHQ$Y2FuYXJ5LW9mLXRoZS1wYXNzd29yZC0tLS0tLS0tLS0"
role = "operator"
namespaces = ["phone-auth"]

[support.oidc]
issuer = "https://login.example.com/realms/staff"
client_id = "otpipe"
client_secret = "canary-of-oidc"
scopes = ["openid", "email"]
claim = "realm_access.roles"
roles = { otp-support = "viewer" }
namespaces_claim = "otp_namespaces"

[messages]
brand = "Example"
default_locale = "de"
params = { device = "your device" }
directory = "/etc/otpipe/templates"
origin = "example.com"
origins = { add-phone = "accounts.example.com" }
android_hashes = { phone-auth = "FA+9qCX9VSu" }
sms_segments = 2
unicode_locales = ["ru"]
unicode_segments = 3

[log]
level = "debug"
format = "text"
`

const file = "otpipe.toml"

func parse(t testing.TB, text string) config.Config {
	t.Helper()
	c, err := config.Parse(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// secretsOf is every value that a configuration keeps secret, by its field.
func secretsOf(c config.Config) map[string]config.Secret {
	all := map[string]config.Secret{}
	collect(reflect.ValueOf(c), "", all)
	return all
}

func collect(v reflect.Value, name string, all map[string]config.Secret) {
	if s, ok := v.Interface().(config.Secret); ok {
		all[name] = s
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			collect(v.Field(i), name+"."+v.Type().Field(i).Name, all)
		}
	case reflect.Slice:
		for i := range v.Len() {
			collect(v.Index(i), name+"[]", all)
		}
	}
}

// canaries are the secrets of the good file, in clear.
func canaries(t testing.TB) []string {
	t.Helper()
	all := []string{"canary"}
	for name, s := range secretsOf(parse(t, good)) {
		if s.Set() {
			all = append(all, s.Reveal())
		} else if !strings.Contains(name, "Twilio") && !strings.Contains(name, "SMTP") && !strings.Contains(name, "Webhook") {
			t.Fatalf("the good file has no secret %s", name)
		}
	}
	return all
}

// window is how much of a secret may not be shown either.
const window = 16

// silent ends the test if a text gives a secret away, or a part of it.
func silent(t *testing.T, what, text string, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		n := min(len(s), window)
		for i := 0; i+n <= len(s); i++ {
			if strings.Contains(text, s[i:i+n]) {
				t.Fatalf("%s tells a secret: %.300s", what, text)
			}
		}
	}
}
