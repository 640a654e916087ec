package config_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
)

// commented is a setting, or a table, that is commented out.
var commented = regexp.MustCompile(`(?m)^# ?(\[{1,2}[a-z._-]+\]{1,2}|[a-z0-9_]+ = .*)$`)

// whole is the manual with every setting in force.
func whole(t *testing.T) string {
	t.Helper()
	text := readFile(t, manual)
	putSecrets(t, text)
	t.Setenv("ADA_PASSWORD_HASH", hashOfAda)
	t.Setenv("AUDIT_URL", "postgres://otpipe@db.example.com/otpipe")
	t.Setenv("DATABASE_URL", "postgres://otpipe@db.example.com/otpipe")
	text = commented.ReplaceAllString(text, "$1")
	text = strings.ReplaceAll(text, "/etc/otpipe/dkim.pem", write(t, inPEM(t, ed25519Key(t))))
	cert, key := certificateFiles(t)
	text = strings.NewReplacer("/etc/otpipe/tls.pem", cert, "/etc/otpipe/tls.key", key, "/etc/otpipe/clients.pem", cert).Replace(text)
	return strings.ReplaceAll(text, strings.Repeat("0", 64), hashOfShop)
}

func TestTheManualIsGoodWithEverySettingInForce(t *testing.T) {
	if _, err := config.Parse("manual", []byte(whole(t))); err != nil {
		t.Fatal(err)
	}
}

// A setting that only a remark mentions counts, if it is an alternative.
func TestTheManualNamesEverySetting(t *testing.T) {
	table := ""
	there := map[string]bool{}
	for line := range strings.Lines(whole(t)) {
		if m := regexp.MustCompile(`^\[+([a-z._-]+)\]+`).FindStringSubmatch(line); m != nil {
			table = regexp.MustCompile(`^namespaces\..*`).ReplaceAllString(m[1], "namespaces.<name>")
		}
		for _, m := range regexp.MustCompile(`(?:^|# or )([a-z0-9_]+) = `).FindAllStringSubmatch(line, -1) {
			there[table+"."+m[1]] = true
		}
	}
	for _, s := range settings(t) {
		if path := strings.ReplaceAll(s.path, "[]", ""); !there[path] {
			t.Errorf("it does not name %s", path)
		}
	}
}

// What is commented out without having to be said is the default.
func TestTheManualShowsDefaults(t *testing.T) {
	text := whole(t)
	c, err := config.Parse("manual", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	d := config.Default()
	c.Worker.Admin = d.Worker.Admin                                                                                                                                 // for one machine
	c.Worker.Bounces, c.Worker.BouncesCert, c.Worker.BouncesKey, c.Worker.AdminTLS = d.Worker.Bounces, d.Worker.BouncesCert, d.Worker.BouncesKey, d.Worker.AdminTLS // examples
	for what, pair := range map[string][2]any{"worker": {d.Worker, c.Worker}, "store": {d.Store, c.Store}, "log": {d.Log, c.Log}, "breaker": {d.Breaker, c.Breaker}, "policies": {d.Policies(), anyDestination(c.Policies())}} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	if c.Redis.URL.Reveal() != d.Redis.URL.Reveal() || c.API.Listen != d.API.Listen {
		t.Error("redis or api")
	}
}

// anyDestination leaves out where codes may go: that is everybody's own.
func anyDestination(all map[otp.Namespace]otp.Policy) map[otp.Namespace]otp.Policy {
	for ns, p := range all {
		p.Countries, p.DenyPrefixes, p.RefuseVoIP, p.DailySpend = nil, nil, false, nil
		all[ns] = p
	}
	return all
}
