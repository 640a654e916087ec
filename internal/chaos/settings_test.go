package chaos_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"text/template"

	"github.com/otpipe/otpipe/internal/devkit"
)

// apiKey is the caller's.
const apiKey = "otk_chaos"

// Accounts of the two vendors.
const (
	primaryAccount = "AC00000000000000000000000000000001"
	backupAccount  = "AC00000000000000000000000000000002"
)

// settings are what differs between the processes of a house. The zero value of
// a field leaves the house's own.
type settings struct {
	Redis, Queue  string // URLs
	Listen, Admin string // host:port
	PublicURL     string // "": no receipts
	Replicated    bool   // a promise waits for a replica
}

var file = template.Must(template.New("toml").Parse(`
[redis]
url = "{{.Redis}}"
queue_url = "{{.Queue}}"

[api]
listen = "{{.Listen}}"
admin = "{{.Admin}}"
public_url = "{{.PublicURL}}"

{{if .Replicated}}[store]
durability = "replicated"
replicas = 1
{{end}}
[worker]
admin = "{{.Admin}}"

[keys]
primary = "chaos"
anchor = "6368616f732d616e63686f722d6368616f732d616e63686f722d6368616f732d"

[[keys.ring]]
id = "chaos"
secret = "b70a6f0e41f3d3c2a89d5b6c1e2f4a39877665d4c3b2a1908f7e6d5c4b3a2910"

[[callers]]
name = "backend"
key_sha256 = "{{.KeyHash}}"
scopes = ["send", "check", "read", "operate"]
{{range .Vendors}}
[[providers]]
name = "{{.Name}}"
driver = "twilio"
[providers.twilio]
account_sid = "{{.Account}}"
password = "{{$.Token}}"
auth_tokens = ["{{$.Token}}"]
from = "+15005550006"
base_url = "http://{{.Addr}}"
{{end}}{{range .Relays}}
[[providers]]
name = "{{.Name}}"
driver = "smtp"
[providers.smtp]
host = "127.0.0.1"
port = {{.Port}}
tls = "none"
from = "otpipe <codes@otpipe.test>"
{{end}}
[destinations]
countries = ["*"]

[routes]
sms = ["primary", "backup"]
email = ["relay", "spare"]
`))

type account struct{ Name, Account, Addr string }

type mailer struct {
	Name string
	Port int
}

// write makes a configuration file.
func (h *house) write(s settings) (path string) {
	h.Helper()
	sum := sha256.Sum256([]byte(apiKey))
	f, err := os.CreateTemp(h.dir, "*.toml")
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	err = file.Execute(f, struct {
		settings
		KeyHash, Token string
		Vendors        []account
		Relays         []mailer
	}{
		s, hex.EncodeToString(sum[:]), devkit.TwilioToken,
		[]account{{h.primary.name, h.primary.account, h.primary.addr}, {h.backup.name, h.backup.account, h.backup.addr}},
		[]mailer{{h.relay.name, h.relay.addr.Port}, {h.spare.name, h.spare.addr.Port}},
	})
	if err != nil {
		h.Fatal(err)
	}
	return f.Name()
}
