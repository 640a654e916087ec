// Package config reads the settings of a process: one TOML file, overridden by
// the environment. Every complaint says where and what to write instead, and
// none quotes a value. It runs in every process.
package config

import (
	"iter"
	"reflect"
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Config is everything that can be set. The api and the worker read the same
// file. The comments of settings are their meaning in docs/settings.md.
type Config struct {
	Redis        Redis                `toml:"redis"`
	API          API                  `toml:"api"`
	Worker       Worker               `toml:"worker"`
	Store        Store                `toml:"store"`
	Keys         Keys                 `toml:"keys"`
	Callers      []Caller             `toml:"callers"`
	Providers    []Provider           `toml:"providers"`
	Routes       Routes               `toml:"routes"`
	Breaker      Breaker              `toml:"breaker"`
	Events       []Endpoint           `toml:"events"`
	Support      Support              `toml:"support"`
	Destinations Destinations         `toml:"destinations"`
	Limits       []Limit              `toml:"limits"`
	TollGuard    TollGuard            `toml:"toll_guard"`
	Audit        Audit                `toml:"audit"`
	Database     Database             `toml:"database"`
	Messages     Messages             `toml:"messages"`
	Namespaces   map[string]Namespace `toml:"namespaces"`
	Log          Log                  `toml:"log"`
}

// Redis says where state and queue are kept. One server is
// `redis://user:password@host:6379/0`. A master with replicas that sentinels watch is
// `redis+sentinel://user:password@host:26379,host:26379,host:26379/mymaster/0`, where mymaster is its name there,
// user and password are the master's, and `?sentinel_username=…&sentinel_password=…` are the sentinels' if they ask for
// any. A cluster is `redis+cluster://user:password@host:6379,host:6379,host:6379`, some of its nodes; the queue lies on
// one server whole and cannot be kept in one. With `rediss` for `redis` everything is TLS, to the sentinels too, and
// `?ca_file=/path` names the authority that signed the servers' certificates if it is not one of the system's,
// `cert_file` and `key_file` our own certificate, and `skip_verify=true` trusts any server. Other parameters are refused.
type Redis struct {
	URL      Secret `toml:"url"`       // any of these forms; REDIS_URL is understood too
	QueueURL Secret `toml:"queue_url"` // the queue's own Redis; without it the same, which must be no cluster then
}

// API is the process that product backends talk to.
type API struct {
	Listen string `toml:"listen"` // where the API listens; PORT is understood too
	Admin  string `toml:"admin"`  // where the api's /livez, /readyz and /metrics listen
	// Proxies are the addresses or networks of your own reverse proxies, whose
	// X-Forwarded-For says where a request comes from: the audit trail has it.
	Proxies   []string `toml:"proxies"`
	PublicURL string   `toml:"public_url"` // as providers reach the api from outside, for receipts; without it there are none
	// Connections are how many the api keeps open at once: whoever comes when there
	// are as many waits until one ends.
	Connections int `toml:"connections"`
	TLS         TLS `toml:"tls"`
	AdminTLS    TLS `toml:"admin_tls"`
}

// TLS is how an address is listened on. The files are read again when they change, and what cannot be used changes nothing.
type TLS struct {
	Cert     string `toml:"cert"`      // the file of a certificate and its chain in PEM; without it there is no TLS
	Key      string `toml:"key"`       // the file of its private key in PEM
	ClientCA string `toml:"client_ca"` // the file of the authorities, in PEM, of whom clients must have a certificate; without it they need none
}

// Worker is the process that delivers.
type Worker struct {
	Admin            string `toml:"admin"`             // where the worker's /livez, /readyz and /metrics listen
	SMSConcurrency   int    `toml:"sms_concurrency"`   // hand-overs of texts at a time
	EmailConcurrency int    `toml:"email_concurrency"` // hand-overs of mails at a time
	// AskAfter is when a provider that has not said what became of a text it took
	// is asked, once; what it cannot say then is unknown for good. At least 5s.
	AskAfter    Duration `toml:"ask_after"`
	Bounces     string   `toml:"bounces"`      // where mail for the providers' bounce_domain is taken by SMTP, such as :2525; without it bounces change nothing
	BouncesCert string   `toml:"bounces_cert"` // the file of a certificate and its chain in PEM, to offer STARTTLS there
	BouncesKey  string   `toml:"bounces_key"`  // the file of its private key in PEM
	AdminTLS    TLS      `toml:"admin_tls"`
}

// Store is how state is kept.
type Store struct {
	Partitions int      `toml:"partitions"`  // a power of two up to 256, fixed for the life of the data
	Retention  Duration `toml:"retention"`   // how long a verification and its time line are kept
	EventsKept int      `toml:"events_kept"` // how many events each partition keeps
	Durability string   `toml:"durability"`  // redis: as safe as that server's own persistence; replicated: a start or check is answered, and a hand-over over, once replicas have it
	Replicas   int      `toml:"replicas"`    // how many, with durability replicated
}

// Keys are the secrets that everything is sealed and digested with.
type Keys struct {
	Primary string `toml:"primary"` // the id of the key that new values are made with
	Anchor  Secret `toml:"anchor"`  // 32 random bytes in base64 or hex that never change
	Ring    []Key  `toml:"ring"`
}

// Key is one master key. The ring holds all that are still needed for reading.
type Key struct {
	ID     string `toml:"id"`     // 1 to 16 lower-case letters and digits; stored beside everything the key protects
	Secret Secret `toml:"secret"` // 32 random bytes in base64 or hex
}

// Caller is the holder of an API key.
type Caller struct {
	Name       string   `toml:"name"`       // in lower-case letters, digits and dashes
	KeySHA256  string   `toml:"key_sha256"` // the SHA-256 of the whole key in hex; the key itself stands nowhere
	Scopes     []string `toml:"scopes"`     // what it may do: send, check, read, operate, audit, factors
	Namespaces []string `toml:"namespaces"` // where it may do it; without it in all
}

// Provider is one account with a vendor.
type Provider struct {
	Name   string `toml:"name"`   // in lower-case letters, digits and dashes; part of the receipts' URL
	Driver string `toml:"driver"` // twilio, smtp or webhook
	// PerSecond is how many messages it may be given in a second, by all workers
	// together; 0 is no limit. What is more goes by the route's next provider.
	PerSecond   float64 `toml:"per_second"`
	Concurrency int     `toml:"concurrency"` // hand-overs at a time by one worker; 0 is no limit but the worker's
	Twilio      Twilio  `toml:"twilio"`
	SMTP        SMTP    `toml:"smtp"`
	Webhook     Webhook `toml:"webhook"`
}

// Twilio is what the driver twilio needs.
type Twilio struct {
	AccountSID          string   `toml:"account_sid"`           // AC and 32 hex digits
	Username            string   `toml:"username"`              // an API key's SID; without it the account's
	Password            Secret   `toml:"password"`              // the API key's secret, or the auth token
	AuthTokens          []Secret `toml:"auth_tokens"`           // the account's auth tokens, which sign receipts; two while one replaces the other
	From                string   `toml:"from"`                  // the number or name that texts come from
	MessagingServiceSID string   `toml:"messaging_service_sid"` // a Messaging Service that chooses it, instead of from
	Edge                string   `toml:"edge"`                  // where requests enter Twilio, such as dublin
	Region              string   `toml:"region"`                // where they are handled, such as ie1; without it the US
	RiskCheck           string   `toml:"risk_check"`            // enable or disable; without it as the account says
	ContentRetention    string   `toml:"content_retention"`     // discard or retain; without it as the account says
	AddressRetention    string   `toml:"address_retention"`     // obfuscate or retain; without it as the account says
	ProvideFeedback     bool     `toml:"provide_feedback"`      // Twilio is told which messages were used: when their code was right
	BaseURL             string   `toml:"base_url"`              // another place of Twilio's API, for tests
}

// SMTP is what the driver smtp needs.
type SMTP struct {
	Host        string `toml:"host"`        // the mail relay
	Port        int    `toml:"port"`        // 587, or 465 with tls = "implicit"
	TLS         string `toml:"tls"`         // mandatory, opportunistic, implicit or none; without it mandatory
	Username    string `toml:"username"`    // with a password: how to log in
	Password    Secret `toml:"password"`    // for it
	From        string `toml:"from"`        // the mailbox that mails come from, such as Example <otp@example.com>
	HELO        string `toml:"helo"`        // this host's name, as the relay is told
	Connections int    `toml:"connections"` // at once; without it as many as email_concurrency
	// BounceDomain is whose mail reaches otpipe: a bounce then names the attempt
	// it belongs to. Without it bounces go to from.
	BounceDomain string `toml:"bounce_domain"`
	DKIM         []DKIM `toml:"dkim"` // every key signs; none where the relay does
}

// DKIM is a key that mail is signed with.
type DKIM struct {
	Domain   string `toml:"domain"`   // without it that of from
	Selector string `toml:"selector"` // its public half is at <selector>._domainkey.<domain>
	Key      Secret `toml:"key"`      // in PEM
}

// Log is what goes to standard error.
type Log struct {
	Level  string `toml:"level"`  // debug, info, warn or error; the flag -log-level goes before it
	Format string `toml:"format"` // json, text, or auto: text on a terminal and JSON elsewhere
}

// Namespace overrides the policy of a built-in namespace, or the default one of
// a new namespace, value by value.
type Namespace struct {
	Channels    []string   `toml:"channels"`     // on which a code may be sent, in order of preference: sms, email
	Digits      *int       `toml:"digits"`       // of a code, 4 to 10
	Life        *Duration  `toml:"life"`         // of a code, at least 30s
	MaxLife     *Duration  `toml:"max_life"`     // of a verification from its first code, however often that is replaced; at most 15m
	MinLeft     *Duration  `toml:"min_left"`     // a code with less life left is replaced at a resend
	Resend      *string    `toml:"resend"`       // reuse: a resend carries the same code; rotate: a new one
	MaxChecks   *int       `toml:"max_checks"`   // guesses compared per verification, 1 to 20
	MaxSends    *int       `toml:"max_sends"`    // sends per verification, 1 to 20
	LockAfter   *int       `toml:"lock_after"`   // failed guesses within fail_window that lock the recipient, 1 to 20
	FailWindow  *Duration  `toml:"fail_window"`  // how long a failed guess counts
	Locks       []Duration `toml:"locks"`        // how long the first lock is, the second, and every later one
	StrikeLife  *Duration  `toml:"strike_life"`  // how long an earlier lock makes the next one longer
	Cooldown    *Duration  `toml:"cooldown"`     // between two sends to a recipient in this namespace
	AllCooldown *Duration  `toml:"all_cooldown"` // between two sends to a recipient in any namespace
	Daily       *int       `toml:"daily"`        // sends to a recipient in this namespace within 24 hours
	AllDaily    *int       `toml:"all_daily"`    // sends to a recipient in all namespaces within 24 hours
	SessionLife *Duration  `toml:"session_life"` // of the session that a right guess opens, 1m to 24h; a jwt at most 1h
	Session     *string    `toml:"session"`      // opaque: a token that otpipe is asked about, and that can be consumed; jwt: one that is verified by /.well-known/jwks.json, without asking
	Codes       *string    `toml:"codes"`        // where digests are kept: redis; sql, in [database]; jwe, in a ticket that whoever asks for a code brings back
	Guard       *string    `toml:"guard"`        // of codes = "jwe". redis: guesses are counted and a ticket is good once; none: neither, and a check looks nothing up
	Fail        *string    `toml:"fail"`         // likewise, while Redis does not answer. closed: checks are refused; open: each process goes by what it has counted itself
	// FallbackAfter is how long a receipt may keep a text from going to the other
	// address that its caller has named, at least 5s.
	FallbackAfter *Duration         `toml:"fallback_after"`
	Countries     []string          `toml:"countries"`     // as in destinations, and instead
	DenyPrefixes  []string          `toml:"deny_prefixes"` // as in destinations, and besides
	RefuseVoIP    *bool             `toml:"refuse_voip"`   // as in destinations, and instead
	DailySpend    map[string]string `toml:"daily_spend"`   // as in destinations, and instead
}

// Default is what holds where nothing is set: right for production, with the
// secrets and accounts missing.
func Default() Config {
	return Config{
		Redis:     Redis{URL: NewSecret("redis://127.0.0.1:6379/0")},
		API:       API{Listen: ":8080", Admin: ":9090", Connections: 10_000},
		Worker:    Worker{Admin: ":9091", SMSConcurrency: 100, EmailConcurrency: 50, AskAfter: Duration(2 * time.Minute)},
		Store:     Store{Partitions: 16, Retention: Duration(72 * time.Hour), EventsKept: 10_000, Durability: "redis", Replicas: 1},
		Breaker:   Breaker{Failures: 5, Ratio: 0.5, Least: 10, Window: Duration(30 * time.Second), Open: Duration(10 * time.Second), Probes: 2},
		Support:   defaultSupport(),
		Messages:  defaultMessages(),
		Audit:     defaultAudit(),
		TollGuard: defaultTollGuard(),
		Log:       Log{Level: "info", Format: "auto"},
	}
}

// Policies are the built-in namespaces and the configured ones.
func (c Config) Policies() map[otp.Namespace]otp.Policy {
	all := otp.BuiltIn()
	for name := range c.Namespaces {
		if ns := otp.Namespace(name); all[ns].Digits == 0 {
			all[ns] = otp.DefaultPolicy()
		}
	}
	for ns, p := range all {
		all[ns] = c.Namespaces[string(ns)].over(c.Destinations.over(p))
	}
	return all
}

func (d Destinations) over(p otp.Policy) otp.Policy {
	p.Countries, p.DenyPrefixes, p.RefuseVoIP, p.DailySpend = d.Countries, d.DenyPrefixes, d.RefuseVoIP, money(d.DailySpend)
	return p
}

func (n Namespace) over(p otp.Policy) otp.Policy {
	if n.Channels != nil {
		p.Channels = nil
		for _, c := range n.Channels {
			p.Channels = append(p.Channels, otp.Channel(c))
		}
	}
	if n.Locks != nil {
		p.Locks = nil
		for _, l := range n.Locks {
			p.Locks = append(p.Locks, time.Duration(l))
		}
	}
	if n.Resend != nil {
		p.Resend = otp.Resend(*n.Resend)
	}
	n.overForms(&p)
	n.overDestinations(&p)
	for to, from := range map[*int]*int{
		&p.Digits: n.Digits, &p.MaxChecks: n.MaxChecks, &p.MaxSends: n.MaxSends,
		&p.LockAfter: n.LockAfter, &p.Daily: n.Daily, &p.AllDaily: n.AllDaily,
	} {
		if from != nil {
			*to = *from
		}
	}
	for to, from := range map[*time.Duration]*Duration{
		&p.Life: n.Life, &p.MaxLife: n.MaxLife, &p.MinLeft: n.MinLeft,
		&p.FailWindow: n.FailWindow, &p.StrikeLife: n.StrikeLife, &p.Cooldown: n.Cooldown, &p.AllCooldown: n.AllCooldown,
		&p.SessionLife: n.SessionLife, &p.FallbackAfter: n.FallbackAfter,
	} {
		if from != nil {
			*to = time.Duration(*from)
		}
	}
	return p
}

// overForms takes over in what form proofs and digests are.
func (n Namespace) overForms(p *otp.Policy) {
	if n.Session != nil {
		p.Session = otp.SessionForm(*n.Session)
	}
	if n.Codes != nil {
		p.Codes = otp.CodesAt(*n.Codes)
	}
	if n.Guard != nil {
		p.Guard = otp.TicketGuard(*n.Guard)
	}
	if n.Fail != nil {
		p.Fail = otp.WhenDown(*n.Fail)
	}
}

func (n Namespace) overDestinations(p *otp.Policy) {
	if n.Countries != nil {
		p.Countries = n.Countries
	}
	p.DenyPrefixes = slices.Concat(p.DenyPrefixes, n.DenyPrefixes)
	if n.RefuseVoIP != nil {
		p.RefuseVoIP = *n.RefuseVoIP
	}
	if n.DailySpend != nil {
		p.DailySpend = money(n.DailySpend)
	}
}

// durations are those that are set, by their setting.
func (n Namespace) durations() iter.Seq2[string, Duration] {
	return func(yield func(string, Duration) bool) {
		v := reflect.ValueOf(n)
		for f := range fields(v.Type()) {
			var all []Duration
			switch value := v.Field(f.index).Interface().(type) {
			case []Duration:
				all = value
			case *Duration:
				if value != nil {
					all = []Duration{*value}
				}
			}
			for _, d := range all {
				if !yield(f.name, d) {
					return
				}
			}
		}
	}
}
