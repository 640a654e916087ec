package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/otpipe/otpipe/internal/devkit" //nolint:depguard // the bench plays the outside world too
	"github.com/otpipe/otpipe/internal/httpapi"
)

// apiKey is what the bench calls with.
const apiKey = "otk_bench"

// settings is the environment without what would change a process' settings.
func settings() []string {
	var kept []string
	for _, v := range os.Environ() {
		if !foreign(v) {
			kept = append(kept, v)
		}
	}
	return kept
}

// clearSettings does the same to the bench itself, which reads the configuration too.
func clearSettings() error {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); foreign(v) {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func foreign(v string) bool {
	return strings.HasPrefix(v, "OTPIPE_") || strings.HasPrefix(v, "PORT=") || strings.HasPrefix(v, "REDIS_URL=")
}

// places are where everything listens.
type places struct{ redis, api, admin, worker, bare, twilio string }

// configuration is the file that both processes read: production's defaults, and
// what has none.
func configuration(at places) string {
	return fmt.Sprintf(`[redis]
url = "redis://%[1]s/0"

[api]
listen = "%[2]s"
admin = "%[3]s"
public_url = "http://%[2]s"

[worker]
admin = "%[4]s"

[keys]
primary = "bench"
anchor = "%[5]s"

[[keys.ring]]
id = "bench"
secret = "%[6]s"

[[callers]]
name = "bench"
key_sha256 = "%[7]s"
scopes = ["send", "check", "read"]

[[providers]]
name = "twilio"
driver = "twilio"
[providers.twilio]
account_sid = "%[8]s"
password = "%[9]s"
auth_tokens = ["%[9]s"]
from = "+15005550006"
base_url = "http://%[10]s"

[destinations]
countries = ["*"]

[routes]
sms = ["twilio"]
`, at.redis, at.api, at.admin, at.worker, secret(), secret(), httpapi.HashKey(apiKey),
		devkit.TwilioAccount, devkit.TwilioToken, at.twilio)
}

func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
