package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/config"
)

// fault is a change of the good settings, and the setting that is then wrong.
type fault struct {
	name   string
	change func(c *config.Config)
	where  string
}

func twilio(change func(t *config.Twilio)) func(c *config.Config) {
	return func(c *config.Config) { change(&c.Providers[0].Twilio) }
}

func place(edge, region string) func(c *config.Config) {
	return twilio(func(t *config.Twilio) { t.Edge, t.Region, t.BaseURL = edge, region, "" })
}

func smtp(change func(s *config.SMTP)) func(c *config.Config) {
	return func(c *config.Config) { change(&c.Providers[1].SMTP) }
}

func hook(change func(w *config.Webhook)) func(c *config.Config) {
	return func(c *config.Config) { change(&c.Providers[2].Webhook) }
}

func hookURL(url string) func(c *config.Config) {
	return hook(func(w *config.Webhook) { w.URL = config.NewSecret(url) })
}

func hookSecret(secret string) func(c *config.Config) {
	return hook(func(w *config.Webhook) { w.Secrets[1] = config.NewSecret(secret) })
}

func endpoint(change func(e *config.Endpoint)) func(c *config.Config) {
	return func(c *config.Config) { change(&c.Events[0]) }
}

func namespace(name string, n config.Namespace) func(c *config.Config) {
	return func(c *config.Config) { c.Namespaces = map[string]config.Namespace{name: n} }
}

func ref[T any](v T) *T { return &v }

const (
	someSID = "AC0123456789abcdef0123456789abcdef"

	someService = "MGbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

var faults = []fault{
	{"no redis", func(c *config.Config) {
		c.Redis.URL, c.Redis.QueueURL = config.NewSecret(""), config.NewSecret("redis://q")
	}, "redis.url"},
	{"redis by http", func(c *config.Config) { c.Redis.URL = config.NewSecret("http://canary-of-redis") }, "redis.url"},
	{"redis without a scheme", func(c *config.Config) { c.Redis.URL = config.NewSecret("canary-of-redis:6379") }, "redis.url"},
	{"a url that is none", func(c *config.Config) { c.Redis.URL = config.NewSecret("redis://canary-of-redis:%zz") }, "redis.url"},
	{"a queue by http", func(c *config.Config) { c.Redis.QueueURL = config.NewSecret("http://canary-of-queue") }, "redis.queue_url"},
	{"an address without a port", func(c *config.Config) { c.API.Listen = "127.0.0.1" }, "api.listen"},
	{"no address", func(c *config.Config) { c.API.Listen = "" }, "api.listen"},
	{"an api's admin without a port", func(c *config.Config) { c.API.Admin = "9090" }, "api.admin"},
	{"a worker's admin without a port", func(c *config.Config) { c.Worker.Admin = "9090" }, "worker.admin"},
	{"a public url without a scheme", func(c *config.Config) { c.API.PublicURL = "otp.example.com" }, "api.public_url"},
	{"a public url without a host", func(c *config.Config) { c.API.PublicURL = "https:///x" }, "api.public_url"},
	{"a public url with a query", func(c *config.Config) { c.API.PublicURL = "https://otp.example.com/x?y=1" }, "api.public_url"},
	{"a public url with a fragment", func(c *config.Config) { c.API.PublicURL = "https://otp.example.com/#x" }, "api.public_url"},
	{"a public url by ftp", func(c *config.Config) { c.API.PublicURL = "ftp://otp.example.com" }, "api.public_url"},
	{"no texts at a time", func(c *config.Config) { c.Worker.SMSConcurrency = 0 }, "worker.sms_concurrency"},
	{"mails below zero", func(c *config.Config) { c.Worker.EmailConcurrency = -1 }, "worker.email_concurrency"},

	{"no partitions", func(c *config.Config) { c.Store.Partitions = 0 }, "store.partitions"},
	{"partitions below zero", func(c *config.Config) { c.Store.Partitions = -16 }, "store.partitions"},
	{"three partitions", func(c *config.Config) { c.Store.Partitions = 3 }, "store.partitions"},
	{"512 partitions", func(c *config.Config) { c.Store.Partitions = 512 }, "store.partitions"},
	{"a journal shorter than a code's life", func(c *config.Config) { c.Store.Retention = config.Duration(14 * time.Minute) }, "store.retention"},
	{"few events", func(c *config.Config) { c.Store.EventsKept = 99 }, "store.events_kept"},
	{"another durability", func(c *config.Config) { c.Store.Durability = "sql" }, "store.durability"},
	{"replicated to nobody", func(c *config.Config) { c.Store.Replicas = 0 }, "store.replicas"},

	{"no primary", func(c *config.Config) { c.Keys.Primary = "" }, "keys.primary"},
	{"a primary that is not there", func(c *config.Config) { c.Keys.Primary = "k3" }, "keys.primary"},
	{"no ring", func(c *config.Config) { c.Keys.Ring = nil }, "keys.ring"},
	{"a key of one's own words", func(c *config.Config) { c.Keys.Ring[1].Secret = config.NewSecret("canary-of-a-password") }, "keys.ring[1]"},
	{"a key of 16 bytes", func(c *config.Config) { c.Keys.Ring[0].Secret = config.NewSecret(strings.Repeat("0c", 16)) }, "keys.ring[0]"},
	{"no key", func(c *config.Config) { c.Keys.Ring[0].Secret = config.NewSecret("") }, "keys.ring[0]"},
	{"a key's bad name", func(c *config.Config) { c.Keys.Ring[0].ID = "K 1" }, "keys.ring[0]"},
	{"two keys of one name", func(c *config.Config) { c.Keys.Ring[0].ID = "k2" }, "keys."},
	{"no anchor", func(c *config.Config) { c.Keys.Anchor = config.NewSecret("") }, "keys.anchor"},
	{"a bad anchor", func(c *config.Config) { c.Keys.Anchor = config.NewSecret("canary-of-the-anchor") }, "keys.anchor"},

	{"a caller without a name", func(c *config.Config) { c.Callers[1].Name = "" }, "callers[1].name"},
	{"a caller's bad name", func(c *config.Config) { c.Callers[0].Name = "Shop" }, "callers[0].name"},
	{"two callers of one name", func(c *config.Config) { c.Callers[1].Name = "shop" }, "callers[1].name"},
	{"a key in clear", func(c *config.Config) { c.Callers[0].KeySHA256 = "otk_canary-of-a-caller" }, "callers[0].key_sha256"},
	{"a hash in capitals", func(c *config.Config) { c.Callers[0].KeySHA256 = strings.ToUpper(hashOfShop) }, "callers[0].key_sha256"},
	{"no scopes", func(c *config.Config) { c.Callers[0].Scopes = nil }, "callers[0].scopes"},
	{"a scope there is not", func(c *config.Config) { c.Callers[0].Scopes = []string{"send", "everything"} }, "callers[0].scopes"},
	{"a namespace there is not", func(c *config.Config) { c.Callers[0].Namespaces = []string{"phone"} }, "callers[0].namespaces"},

	{"a provider's bad name", func(c *config.Config) { c.Providers[0].Name, c.Routes.SMS = "a b", nil }, "providers[0].name"},
	{"two providers of one name", func(c *config.Config) { c.Providers[1].Name, c.Routes.Email = "twilio-eu", nil; c.Routes.SMS = nil }, "providers[1].name"},
	{"a driver there is not", func(c *config.Config) { c.Providers[0].Driver, c.Routes.SMS = "nexmo", nil }, "providers[0].driver"},
	{"no driver", func(c *config.Config) { c.Providers[0].Driver, c.Routes.SMS = "", nil }, "providers[0].driver"},
	{"a route to nobody", func(c *config.Config) { c.Routes.SMS = []string{"twilio-us"} }, "routes.sms"},
	{"texts by mail", func(c *config.Config) { c.Routes.SMS = []string{"relay"} }, "routes.sms"},
	{"a provider twice on a route", func(c *config.Config) { c.Routes.SMS = []string{"twilio-eu", "twilio-eu"} }, "routes.sms"},
	{"a rule for all messages", rule(config.Rule{Channel: "sms", Providers: []string{"twilio-eu"}}), "routes.rules[0]"},
	{"a rule without providers", rule(config.Rule{Channel: "sms", Countries: []string{"DE"}}), "routes.rules[0].providers"},
	{"a rule to nobody", rule(config.Rule{Channel: "sms", Countries: []string{"DE"}, Providers: []string{"twilio-us"}}), "routes.rules[0].providers"},
	{"a rule for texts by mail", rule(config.Rule{Channel: "sms", Countries: []string{"DE"}, Providers: []string{"relay"}}), "routes.rules[0].providers"},
	{"a rule without a channel", rule(config.Rule{Namespaces: []string{"phone-auth"}}), "routes.rules[0].channel"},
	{"a rule for a country by name", rule(config.Rule{Channel: "sms", Countries: []string{"Germany"}, Providers: []string{"twilio-eu"}}), "routes.rules[0].countries"},
	{"a rule for mails to a country", rule(config.Rule{Channel: "email", Countries: []string{"DE"}, Providers: []string{"relay"}}), "routes.rules[0].countries"},
	{"a rule for a prefix without +", rule(config.Rule{Channel: "sms", Prefixes: []string{"49"}, Providers: []string{"twilio-eu"}}), "routes.rules[0].prefixes"},
	{"a rule for no namespace", rule(config.Rule{Channel: "sms", Namespaces: []string{"phone-aut"}, Providers: []string{"twilio-eu"}}), "routes.rules[0].namespaces"},
	{"less than no messages", func(c *config.Config) { c.Providers[0].PerSecond = -1 }, "providers[0].per_second"},
	{"less than no hand-overs", func(c *config.Config) { c.Providers[0].Concurrency = -1 }, "providers[0].concurrency"},
	{"a breaker that is always open", func(c *config.Config) { c.Breaker.Failures = 0 }, "breaker.failures"},
	{"a breaker that no failure opens", func(c *config.Config) { c.Breaker.Ratio = 1.5 }, "breaker.ratio"},
	{"a breaker that counts nothing", func(c *config.Config) { c.Breaker.Least = 0 }, "breaker.least"},
	{"a breaker without a memory", func(c *config.Config) { c.Breaker.Window = 0 }, "breaker.window"},
	{"a breaker open for longer than codes live", func(c *config.Config) { c.Breaker.Open = config.Duration(time.Hour) }, "breaker.open"},
	{"a breaker that never closes", func(c *config.Config) { c.Breaker.Probes = 0 }, "breaker.probes"},
	{"mails by text", func(c *config.Config) { c.Routes.Email = []string{"twilio-eu"} }, "routes.email"},

	{"no account", twilio(func(t *config.Twilio) { t.AccountSID = "" }), "providers[0].twilio.account_sid"},
	{"another kind of SID", twilio(func(t *config.Twilio) { t.AccountSID = "SK" + someSID[2:] }), "providers[0].twilio.account_sid"},
	{"a longer SID", twilio(func(t *config.Twilio) { t.AccountSID = someSID + "0" }), "providers[0].twilio.account_sid"},
	{"no password at Twilio", twilio(func(t *config.Twilio) { t.Password = config.NewSecret("") }), "providers[0].twilio.password"},
	{"no sender", twilio(func(t *config.Twilio) { t.From = "" }), "providers[0].twilio.from"},
	{"two senders", twilio(func(t *config.Twilio) { t.MessagingServiceSID = someService }), "providers[0].twilio.from"},
	{"a sender without a plus", twilio(func(t *config.Twilio) { t.From = "0015005550006" }), "providers[0].twilio.from"},
	{"a short number", twilio(func(t *config.Twilio) { t.From = "+150055" }), "providers[0].twilio.from"},
	{"a long name", twilio(func(t *config.Twilio) { t.From = "Example Corp" }), "providers[0].twilio.from"},
	{"a short service", twilio(func(t *config.Twilio) { t.From, t.MessagingServiceSID = "", "MG1" }), "providers[0].twilio.messaging_service_sid"},
	{"a key without its digits", twilio(func(t *config.Twilio) { t.Username = "SK1" }), "providers[0].twilio.username"},
	{"another account's name", twilio(func(t *config.Twilio) { t.Username = "AC" + someService[2:] }), "providers[0].twilio.username"},
	{"an edge without a region", place("dublin", ""), "providers[0].twilio.region"},
	{"a region without an edge", place("", "ie1"), "providers[0].twilio.region"},
	{"an edge that is a host", place("dublin.example.com", "ie1"), "providers[0].twilio.edge"},
	{"an edge in capitals", place("Dublin", "ie1"), "providers[0].twilio.edge"},
	{"a region that is a host", place("dublin", "ie1.example.com/"), "providers[0].twilio.region"},
	{"a region that is an edge", place("dublin", "dublin"), "providers[0].twilio.region"},
	{"a region for a base url", twilio(func(t *config.Twilio) { t.Edge, t.Region = "dublin", "ie1" }), "providers[0].twilio.base_url"},
	{"a base url without a scheme", twilio(func(t *config.Twilio) { t.BaseURL = "api.twilio.com" }), "providers[0].twilio.base_url"},
	{"a base url by ftp", twilio(func(t *config.Twilio) { t.BaseURL = "ftp://api.twilio.com" }), "providers[0].twilio.base_url"},
	{"a risk check of true", twilio(func(t *config.Twilio) { t.RiskCheck = "true" }), "providers[0].twilio.risk_check"},
	{"an obfuscated text", twilio(func(t *config.Twilio) { t.ContentRetention = "obfuscate" }), "providers[0].twilio.content_retention"},
	{"a discarded number", twilio(func(t *config.Twilio) { t.AddressRetention = "discard" }), "providers[0].twilio.address_retention"},
	{"receipts without a token", twilio(func(t *config.Twilio) { t.AuthTokens = nil }), "providers[0].twilio.auth_tokens"},
	{"an empty token", twilio(func(t *config.Twilio) { t.AuthTokens = []config.Secret{config.NewSecret("x"), {}} }), "providers[0].twilio.auth_tokens"},

	{"no host", smtp(func(s *config.SMTP) { s.Host = "" }), "providers[1].smtp.host"},
	{"no port", smtp(func(s *config.SMTP) { s.Port = 0 }), "providers[1].smtp.port"},
	{"a port too high", smtp(func(s *config.SMTP) { s.Port = 65536 }), "providers[1].smtp.port"},
	{"another tls", smtp(func(s *config.SMTP) { s.TLS = "starttls" }), "providers[1].smtp.tls"},
	{"no mailbox", smtp(func(s *config.SMTP) { s.From = "Example" }), "providers[1].smtp.from"},
	{"a user without a password", smtp(func(s *config.SMTP) { s.Password = config.NewSecret("") }), "providers[1].smtp.password"},
	{"a password without a user", smtp(func(s *config.SMTP) { s.Username = "" }), "providers[1].smtp.password"},

	{"no place to post to", hookURL(""), "providers[2].webhook.url"},
	{"a place without a scheme", hookURL("gateway.example.com/canary-of-hook"), "providers[2].webhook.url"},
	{"a place by ftp", hookURL("ftp://canary-of-hook/"), "providers[2].webhook.url"},
	{"a place without a host", hookURL("https:///canary-of-hook"), "providers[2].webhook.url"},
	{"a place on a page", hookURL("https://gateway.example.com/#canary-of-hook"), "providers[2].webhook.url"},
	{"a place that cannot be read", hookURL("https://canary-of-hook:%zz"), "providers[2].webhook.url"},
	{"nothing to sign with", hook(func(w *config.Webhook) { w.Secrets = nil }), "providers[2].webhook.secrets"},
	{"an empty secret", hookSecret(""), "providers[2].webhook.secrets"},
	{"a secret of its prefix", hookSecret("whsec_"), "providers[2].webhook.secrets"},
	{"a short secret", hookSecret("Y2FuYXJ5LW9mLWhvb2s="), "providers[2].webhook.secrets"},
	{"a secret that is a word", hookSecret("canary-of-hook"), "providers[2].webhook.secrets"},
	{"a secret that is a pattern", hookSecret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "providers[2].webhook.secrets"},

	{"an endpoint without a name", endpoint(func(e *config.Endpoint) { e.Name = "" }), "events[0].name"},
	{"two endpoints of one name", func(c *config.Config) { c.Events = append(c.Events, c.Events[0]) }, "events[1].name"},
	{"an endpoint without a place", endpoint(func(e *config.Endpoint) { e.URL = config.NewSecret("canary-of-events") }), "events[0].url"},
	{"an endpoint at home", endpoint(func(e *config.Endpoint) {
		e.AllowPrivate, e.URL = false, config.NewSecret("http://localhost/canary-of-events")
	}), "events[0].url"},
	{"an endpoint next door", endpoint(func(e *config.Endpoint) {
		e.AllowPrivate, e.URL = false, config.NewSecret("http://10.0.0.1/canary-of-events")
	}), "events[0].url"},
	{"an endpoint that tells secrets", endpoint(func(e *config.Endpoint) {
		e.AllowPrivate, e.URL = false, config.NewSecret("http://169.254.169.254/canary-of-events")
	}), "events[0].url"},
	{"an endpoint that cannot know us", endpoint(func(e *config.Endpoint) { e.Secrets = nil }), "events[0].secrets"},
	{"an endpoint with an empty secret", endpoint(func(e *config.Endpoint) { e.Secrets[0] = config.NewSecret("") }), "events[0].secrets"},
	{"an endpoint of a namespace there is not", endpoint(func(e *config.Endpoint) { e.Namespaces = []string{"pay"} }), "events[0].namespaces"},
	{"an endpoint of a type there is not", endpoint(func(e *config.Endpoint) { e.Types = []string{"verification.started"} }), "events[0].types"},

	{"a namespace named all", namespace("all", config.Namespace{}), "namespaces.all"},
	{"a namespace in capitals", namespace("Phone", config.Namespace{}), "namespaces.?"},
	{"a namespace with a verb of fmt in its name", namespace("a%d", config.Namespace{}), "namespaces.?"},
	{"too few digits", namespace("phone-auth", config.Namespace{Digits: ref(3)}), "namespaces.phone-auth"},
	{"no channels", namespace("phone-auth", config.Namespace{Channels: []string{}}), "namespaces.phone-auth"},
	{"a channel there is not", namespace("phone-auth", config.Namespace{Channels: []string{"pigeon"}}), "namespaces.phone-auth"},
	{"no locks", namespace("phone-auth", config.Namespace{Locks: []config.Duration{}}), "namespaces.phone-auth"},

	{"another level", func(c *config.Config) { c.Log.Level = "trace" }, "log.level"},
	{"another format", func(c *config.Config) { c.Log.Format = "xml" }, "log.format"},
}

// rule adds a rule to the routes.
func rule(r config.Rule) func(*config.Config) {
	return func(c *config.Config) { c.Routes.Rules = append(c.Routes.Rules, r) }
}

func TestCheckHasOneComplaintForEachFaultThatNamesTheSettingAndNoValue(t *testing.T) {
	t.Parallel()
	secrets := canaries(t)
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, good)
			f.change(&c)
			err := c.Check()
			if err == nil || !strings.HasPrefix(err.Error(), f.where) || strings.Count(err.Error(), "\n") > 0 {
				t.Fatalf("got %v, want one complaint about %s", err, f.where)
			}
			if strings.Contains(err.Error(), "%!") {
				t.Fatalf("garbled: %v", err)
			}
			silent(t, "the complaint", err.Error(), secrets)
		})
	}
}

func TestCheckLeavesRoomForWhatIsUnusualButRight(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(c *config.Config){
		"one partition":            func(c *config.Config) { c.Store.Partitions = 1 },
		"256 partitions":           func(c *config.Config) { c.Store.Partitions = 256 },
		"no routes":                func(c *config.Config) { c.Routes = config.Routes{} },
		"no providers, no callers": func(c *config.Config) { c.Routes, c.Providers, c.Callers = config.Routes{}, nil, nil },
		"no receipts":              func(c *config.Config) { c.API.PublicURL, c.Providers[0].Twilio.AuthTokens = "", nil },
		"a messaging service":      twilio(func(t *config.Twilio) { t.From, t.MessagingServiceSID = "", someService }),
		"a short code":             twilio(func(t *config.Twilio) { t.From = "12345" }),
		"a sender with a name":     twilio(func(t *config.Twilio) { t.From = "Example Co" }),
		"the account as user":      twilio(func(t *config.Twilio) { t.Username = t.AccountSID }),
		"no user":                  twilio(func(t *config.Twilio) { t.Username = "" }),
		"a region":                 place("dublin", "ie1"),
		"the us by another edge":   place("sao-paulo", "us1"),
		"Twilio's own place":       place("", ""),
		"all of Twilio's terms": twilio(func(t *config.Twilio) {
			t.RiskCheck, t.ContentRetention, t.AddressRetention, t.ProvideFeedback = "enable", "discard", "obfuscate", true
		}),
		"none of Twilio's terms": twilio(func(t *config.Twilio) {
			t.RiskCheck, t.ContentRetention, t.AddressRetention = "disable", "retain", "retain"
		}),
		"a relay without a login":     smtp(func(s *config.SMTP) { s.Username, s.Password = "", config.NewSecret("") }),
		"a relay with its own tls":    smtp(func(s *config.SMTP) { s.TLS = "" }),
		"replicas that nobody asks":   func(c *config.Config) { c.Store.Durability, c.Store.Replicas = "redis", 0 },
		"an address on IPv6":          func(c *config.Config) { c.API.Listen = "[::1]:8080" },
		"a redis at a socket's place": func(c *config.Config) { c.Redis.URL = config.NewSecret("redis://:pass@host") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, good)
			change(&c)
			if err := c.Check(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Parse(file, []byte(`
[redis]
url = "http://x"
[store]
partitions = 3
events_kept = 1
[keys]
primary = "k1"
[[callers]]
name = "Shop"
[[providers]]
name = "x"
driver = "smtp"
[routes]
sms = ["nobody"]
[log]
level = "loud"
`))
	if err == nil {
		t.Fatal("it passes")
	}
	for _, where := range []string{
		"redis.url", "store.partitions", "store.events_kept", "keys.anchor", "callers[0].name", "callers[0].key_sha256",
		"callers[0].scopes", "providers[0].smtp.host", "providers[0].smtp.port", "providers[0].smtp.from", "routes.sms", "log.level",
	} {
		if !strings.Contains(err.Error(), where+": ") {
			t.Errorf("nothing about %s in\n%v", where, err)
		}
	}
}

func TestEveryLineOfTheComplaintsSaysWhere(t *testing.T) {
	t.Parallel()
	c := parse(t, good)
	namespace("phone-auth", config.Namespace{Digits: ref(3), Daily: ref(0), MaxChecks: ref(99)})(&c)
	err := c.Check()
	if err == nil {
		t.Fatal("it passes")
	}
	for line := range strings.Lines(err.Error()) {
		if !strings.HasPrefix(line, "namespaces.phone-auth") {
			t.Errorf("of which namespace? %s", line)
		}
	}
}

// A value may be a secret that stands in the wrong place.
func TestNoComplaintQuotesAValue(t *testing.T) {
	t.Parallel()
	const canary = "s3cr3t-in-the-wrong-place"
	for name, change := range map[string]func(c *config.Config){
		"primary":    func(c *config.Config) { c.Keys.Primary = canary },
		"key id":     func(c *config.Config) { c.Keys.Ring[0].ID = canary },
		"channel":    namespace("phone-auth", config.Namespace{Channels: []string{canary}}),
		"resend":     namespace("phone-auth", config.Namespace{Resend: ref(canary)}),
		"listen":     func(c *config.Config) { c.API.Listen = canary },
		"public url": func(c *config.Config) { c.API.PublicURL = canary },
		"durability": func(c *config.Config) { c.Store.Durability = canary },
		"caller":     func(c *config.Config) { c.Callers[0].Name = canary + "!" },
		"scope":      func(c *config.Config) { c.Callers[0].Scopes = []string{canary} },
		"namespace":  func(c *config.Config) { c.Callers[0].Namespaces = []string{canary} },
		"driver":     func(c *config.Config) { c.Providers[0].Driver = canary },
		"route":      func(c *config.Config) { c.Routes.SMS = []string{canary} },
		"account":    twilio(func(t *config.Twilio) { t.AccountSID = canary }),
		"username":   twilio(func(t *config.Twilio) { t.Username = canary }),
		"sender":     twilio(func(t *config.Twilio) { t.From = canary }),
		"service":    twilio(func(t *config.Twilio) { t.MessagingServiceSID = canary }),
		"place":      place(canary, canary),
		"base url":   twilio(func(t *config.Twilio) { t.BaseURL = canary }),
		"terms":      twilio(func(t *config.Twilio) { t.RiskCheck, t.ContentRetention, t.AddressRetention = canary, canary, canary }),
		"tls":        smtp(func(s *config.SMTP) { s.TLS = canary }),
		"from":       smtp(func(s *config.SMTP) { s.From = canary }),
		"level":      func(c *config.Config) { c.Log.Level = canary },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, good)
			change(&c)
			err := c.Check()
			if err == nil || strings.Contains(err.Error(), canary) {
				t.Fatal(err)
			}
		})
	}
}
