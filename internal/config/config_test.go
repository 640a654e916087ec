package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
)

func plain(s config.Secret) string { return s.Reveal() }

func TestEverythingIsReadFromTheFile(t *testing.T) {
	t.Parallel()
	want := config.Config{
		Redis: config.Redis{
			URL:      config.NewSecret("rediss://user:canary-of-redis@redis.example.com:6380/1"),
			QueueURL: config.NewSecret("redis://user:canary-of-queue@127.0.0.1:6379/2"),
		},
		API:    config.API{Listen: "127.0.0.1:8000", Admin: ":9000", PublicURL: "https://otp.example.com", Proxies: []string{"10.0.0.0/8"}, Connections: 500},
		Worker: config.Worker{Admin: ":9001", SMSConcurrency: 7, EmailConcurrency: 8, AskAfter: config.Default().Worker.AskAfter},
		Store:  config.Store{Partitions: 32, Retention: config.Duration(48 * time.Hour), EventsKept: 500, Durability: "replicated", Replicas: 2},
		Keys: config.Keys{
			Primary: "k2",
			Ring: []config.Key{
				{ID: "k1", Secret: config.NewSecret("Y2FuYXJ5LW9mLWtleS1vbmUtLS0tLS0tLS0tLS0tLS0=")},
				{ID: "k2", Secret: config.NewSecret("Y2FuYXJ5LW9mLWtleS10d28tLS0tLS0tLS0tLS0tLS0")},
			},
			Anchor: config.NewSecret("63616e6172792d6f662d7468652d616e63686f722d2d2d2d2d2d2d2d2d2d2d2d"),
		},
		Callers: []config.Caller{
			{Name: "shop", KeySHA256: hashOfShop, Scopes: []string{"send", "check"}, Namespaces: []string{"phone-auth"}},
			{Name: "support", KeySHA256: hashOfSupport, Scopes: []string{"read", "operate"}},
		},
		Providers: []config.Provider{
			{Name: "twilio-eu", Driver: "twilio", Twilio: config.Twilio{
				AccountSID: "AC0123456789abcdef0123456789abcdef", Username: "SK0123456789abcdef0123456789abcdef",
				Password:   config.NewSecret("canary-of-twilio"),
				AuthTokens: []config.Secret{config.NewSecret("canary-of-token-1"), config.NewSecret("canary-of-token-2")},
				From:       "+15005550006", BaseURL: "http://127.0.0.1:1",
			}},
			{Name: "relay", Driver: "smtp", SMTP: config.SMTP{
				Host: "smtp.example.com", Port: 587, TLS: "mandatory", Username: "otp", Password: config.NewSecret("canary-of-smtp"),
				From: "Example <otp@example.com>", HELO: "otp.example.com", Connections: 9,
			}},
			{Name: "gateway", Driver: "webhook", Webhook: config.Webhook{
				URL: config.NewSecret("https://user:canary-of-hook@gateway.example.com/otpipe"),
				Secrets: []config.Secret{
					config.NewSecret("whsec_bmV4dC1vZi13ZWJob29rLS0tLS0tLS0tLS0tLS0t"), config.NewSecret("bGFzdC1vZi13ZWJob29rLS0tLS0tLS0tLS0tLS0t"),
				},
				From: "Example",
			}},
		},
		Routes: config.Routes{SMS: []string{"twilio-eu"}, Email: []string{"relay"}},
		Events: []config.Endpoint{{
			Name: "shop", URL: config.NewSecret("https://user:canary-of-events@shop.example.com/otpipe"),
			Secrets:    []config.Secret{config.NewSecret("whsec_b3duZXItb2YtZXZlbnRzLS0tLS0tLS0tLS0tLS0t")},
			Namespaces: []string{"phone-auth"}, Types: []string{"verification.approved", "delivery.failed"}, AllowPrivate: true,
		}},
		Support: config.Support{
			Listen: "127.0.0.1:8001", PublicURL: "https://support.example.com",
			Idle: config.Duration(20 * time.Minute), Absolute: config.Duration(8 * time.Hour), Country: "DE", Proxies: []string{"10.0.0.0/8", "192.0.2.7"},
			Users: []config.User{{Name: "ada", PasswordHash: config.NewSecret(hashOfAda), Role: "operator", Namespaces: []string{"phone-auth"}}},
			OIDC: config.OIDC{
				Issuer: "https://login.example.com/realms/staff", ClientID: "otpipe", ClientSecret: config.NewSecret("canary-of-oidc"),
				Scopes: []string{"openid", "email"}, Claim: "realm_access.roles", Roles: map[string]string{"otp-support": "viewer"}, NamespacesClaim: "otp_namespaces",
			},
		},
		Destinations: config.Destinations{
			Countries: []string{"DE", "*"}, DenyPrefixes: []string{"+4915566"}, RefuseVoIP: true, DisposableDomains: "/etc/otpipe/disposable.txt",
			Prices: map[string]string{"DE": "0.075", "*": "0.1"}, DailySpend: map[string]string{"DE": "50"},
		},
		TollGuard: config.TollGuard{
			Mode: "block", Digits: 6, Least: 30, CountryLeast: 300, Ratio: 0.1,
			Window: config.Duration(12 * time.Hour), Grace: config.Duration(2 * time.Minute), Block: config.Duration(6 * time.Hour),
		},
		Database: config.Database{URL: config.NewSecret("postgres://otp:canary-of-database@db.example.com/otpipe")},
		Audit:    config.Audit{Sink: config.NewSecret("postgres://otp:canary-of-audit@db.example.com/otpipe"), Retention: config.Duration(8760 * time.Hour), FileSize: 50, Strict: true},
		Limits: []config.Limit{{
			Name: "per-range", By: []string{"namespace", "prefix"}, Max: 30, Interval: config.Duration(10 * time.Minute), Digits: 7,
			Namespaces: []string{"phone-auth"}, Channels: []string{"sms"}, Countries: []string{"DE"},
		}},
		Messages: config.Messages{
			Brand: "Example", Params: map[string]string{"device": "your device"}, DefaultLocale: "de", Directory: "/etc/otpipe/templates",
			Origin: "example.com", Origins: map[string]string{"add-phone": "accounts.example.com"},
			AndroidHashes: map[string]string{"phone-auth": "FA+9qCX9VSu"},
			SMSSegments:   2, UnicodeLocales: []string{"ru"}, UnicodeSegments: 3,
		},
		Breaker: config.Default().Breaker,
		Log:     config.Log{Level: "debug", Format: "text"},
	}
	if d := cmp.Diff(want, parse(t, good), cmp.Transformer("plain", plain)); d != "" {
		t.Fatal(d)
	}
}

// least is the shortest file that passes.
const least = `
[keys]
primary = "k1"
anchor = "63616e6172792d6f662d7468652d616e63686f722d2d2d2d2d2d2d2d2d2d2d2d"
[[keys.ring]]
id = "k1"
secret = "Y2FuYXJ5LW9mLWtleS1vbmUtLS0tLS0tLS0tLS0tLS0="
`

func TestWhatIsNotSetIsTheDefault(t *testing.T) {
	t.Parallel()
	got := parse(t, least)
	got.Keys = config.Keys{}
	want := config.Config{
		Redis:   config.Redis{URL: config.NewSecret("redis://127.0.0.1:6379/0")},
		API:     config.API{Listen: ":8080", Admin: ":9090", Connections: 10_000},
		Worker:  config.Worker{Admin: ":9091", SMSConcurrency: 100, EmailConcurrency: 50, AskAfter: config.Duration(2 * time.Minute)},
		Store:   config.Store{Partitions: 16, Retention: config.Duration(72 * time.Hour), EventsKept: 10_000, Durability: "redis", Replicas: 1},
		Breaker: config.Default().Breaker,
		Support: config.Support{
			Listen: "127.0.0.1:8081", Idle: config.Duration(30 * time.Minute), Absolute: config.Duration(12 * time.Hour),
			OIDC: config.OIDC{Scopes: []string{"openid", "profile", "email"}, Claim: "roles"},
		},
		TollGuard: config.TollGuard{
			Mode: "off", Digits: 7, Least: 20, CountryLeast: 500, Ratio: 0.2,
			Window: config.Duration(24 * time.Hour), Grace: config.Duration(3 * time.Minute), Block: config.Duration(12 * time.Hour),
		},
		Audit:    config.Audit{Retention: config.Duration(400 * 24 * time.Hour), FileSize: 100},
		Messages: config.Messages{Brand: "otpipe", DefaultLocale: "en", SMSSegments: 1, UnicodeLocales: []string{"ar", "hi"}, UnicodeSegments: 2},
		Log:      config.Log{Level: "info", Format: "auto"},
	}
	if d := cmp.Diff(want, got, cmp.Transformer("plain", plain)); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff(config.Default(), got, cmp.Transformer("plain", plain)); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff(otp.BuiltIn(), got.Policies()); d != "" {
		t.Fatal(d)
	}
}

func TestANamespaceOverridesItsPolicyValueByValue(t *testing.T) {
	t.Parallel()
	for setting, change := range map[string]func(p *otp.Policy){
		`channels = ["sms"]`:          func(p *otp.Policy) { p.Channels = []otp.Channel{otp.SMS} },
		`channels = ["sms", "email"]`: func(p *otp.Policy) { p.Channels = []otp.Channel{otp.SMS, otp.Email} },
		`digits = 8`:                  func(p *otp.Policy) { p.Digits = 8 },
		`life = "4m"`:                 func(p *otp.Policy) { p.Life = 4 * time.Minute },
		`max_life = "10m"`:            func(p *otp.Policy) { p.MaxLife = 10 * time.Minute },
		`min_left = "0s"`:             func(p *otp.Policy) { p.MinLeft = 0 },
		`resend = "rotate"`:           func(p *otp.Policy) { p.Resend = otp.Rotate },
		`max_checks = 3`:              func(p *otp.Policy) { p.MaxChecks = 3 },
		`max_sends = 2`:               func(p *otp.Policy) { p.MaxSends = 2 },
		`lock_after = 10`:             func(p *otp.Policy) { p.LockAfter = 10 },
		`fail_window = "1h"`:          func(p *otp.Policy) { p.FailWindow = time.Hour },
		`locks = ["1m", "2h"]`:        func(p *otp.Policy) { p.Locks = []time.Duration{time.Minute, 2 * time.Hour} },
		`strike_life = "0s"`:          func(p *otp.Policy) { p.StrikeLife = 0 },
		`cooldown = "90s"`:            func(p *otp.Policy) { p.Cooldown = 90 * time.Second },
		`all_cooldown = "0s"`:         func(p *otp.Policy) { p.AllCooldown = 0 },
		`daily = 4`:                   func(p *otp.Policy) { p.Daily = 4 },
		`all_daily = 6`:               func(p *otp.Policy) { p.AllDaily = 6 },
		`fallback_after = "10s"`:      func(p *otp.Policy) { p.FallbackAfter = 10 * time.Second },
		`session_life = "12h"`:        func(p *otp.Policy) { p.SessionLife = 12 * time.Hour },
		`countries = ["FR"]`:          func(p *otp.Policy) { p.Countries = []string{"FR"} },
		`deny_prefixes = ["+336"]`:    func(p *otp.Policy) { p.DenyPrefixes = []string{"+336"} },
		`refuse_voip = true`:          func(p *otp.Policy) { p.RefuseVoIP = true },
		`daily_spend = { FR = "20" }`: func(p *otp.Policy) { p.DailySpend = map[string]otp.Money{"FR": 20_000_000} },
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			want := otp.BuiltIn()
			for _, ns := range []otp.Namespace{"forgot-password", "close-account"} {
				p, known := want[ns]
				if !known {
					p = otp.DefaultPolicy()
				}
				change(&p)
				want[ns] = p
			}
			c := parse(t, least+"[destinations.prices]\nFR = \"0.07\"\n[namespaces.forgot-password]\n"+setting+"\n[namespaces.close-account]\n"+setting+"\n")
			if d := cmp.Diff(want, c.Policies()); d != "" {
				t.Fatal(d)
			}
		})
	}
}

func TestWhatHoldsForAllNamespacesHoldsWhereOneSaysNothing(t *testing.T) {
	t.Parallel()
	c := parse(t, least+`
[destinations]
countries = ["DE"]
deny_prefixes = ["+4915566"]
refuse_voip = true
prices = { DE = "0.075" }
daily_spend = { DE = "50" }
[namespaces.phone-auth]
countries = ["*"]
deny_prefixes = ["+336"]
refuse_voip = false
daily_spend = {}
[namespaces.my-own]
digits = 8
`)
	all := c.Policies()
	for _, ns := range []otp.Namespace{otp.AddPhone, "my-own"} {
		if p := all[ns]; !slices.Equal(p.Countries, []string{"DE"}) || !slices.Equal(p.DenyPrefixes, []string{"+4915566"}) || !p.RefuseVoIP || p.DailySpend["DE"] != 50_000_000 {
			t.Errorf("%s: %+v", ns, p)
		}
	}
	if p := all[otp.PhoneAuth]; !slices.Equal(p.Countries, []string{"*"}) || !slices.Equal(p.DenyPrefixes, []string{"+4915566", "+336"}) || p.RefuseVoIP || len(p.DailySpend) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestACallerMayNameANamespaceOfTheFile(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(good, `namespaces = ["phone-auth"]`, `namespaces = ["phone-auth", "close-account"]`)
	if _, err := config.Parse(file, []byte(text)); err == nil {
		t.Fatal("a namespace that is nowhere passes")
	}
	parse(t, text+"[namespaces.close-account]\ndigits = 8\n")
}

func TestKeysAreReadInHexAndInBothBase64s(t *testing.T) {
	t.Parallel()
	marks := map[string]string{}
	for form, secret := range map[string]string{
		"hex":            "fbefbefbefbefbefbefbefbefbefbefbefbeffff3e3f40414243444546474849",
		"base64":         "++++++++++++++++++++++++//8+P0BBQkNERUZHSEk=",
		"base64url":      "------------------------__8-P0BBQkNERUZHSEk",
		"hex in capital": "FBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFFFF3E3F40414243444546474849",
	} {
		c := config.Default()
		c.Keys = config.Keys{Primary: "k1", Anchor: config.NewSecret(secret), Ring: []config.Key{{ID: "k1", Secret: config.NewSecret(secret)}}}
		k, err := c.Secrets()
		if err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		marks[k.Digest.Primary().Mark()+k.Anchor.Mark()] = form
	}
	if len(marks) != 1 {
		t.Fatalf("the same bytes are not the same keys: %v", marks)
	}
}

func TestTheRingHasThePrimaryOfTheFile(t *testing.T) {
	t.Parallel()
	k, err := parse(t, good).Secrets()
	if err != nil {
		t.Fatal(err)
	}
	if id := k.Digest.Primary().ID(); id != "k2" || len(k.Digest.All()) != 2 {
		t.Fatalf("primary %s of %d", id, len(k.Digest.All()))
	}
}

func TestLoadReadsAFileOrOnlyTheEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "o.toml")
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil || c.Messages.Brand != "Example" {
		t.Fatalf("%q, %v", c.Messages.Brand, err)
	}
	if _, err := config.Load(path + ".not"); err == nil || !strings.Contains(err.Error(), "o.toml.not") {
		t.Fatalf("a file there is not: %v", err)
	}
	t.Setenv("OTPIPE_KEYS_PRIMARY", "k1")
	t.Setenv("OTPIPE_KEYS_ANCHOR", someSecret)
	t.Setenv("OTPIPE_KEYS_RING_0_ID", "k1")
	t.Setenv("OTPIPE_KEYS_RING_0_SECRET", otherSecret)
	if c, err = config.Load(""); err != nil || len(c.Keys.Ring) != 1 {
		t.Fatalf("without a file: %v", err)
	}
}
