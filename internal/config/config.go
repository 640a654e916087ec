// Package config reads the settings of a process: one TOML file, overridden by
// the environment. Every complaint says where and what to write instead, and
// none quotes a value. It runs in every process.
package config

import (
	"iter"
	"reflect"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Config is everything that can be set. The api and the worker read the same file.
type Config struct {
	Redis      Redis                `toml:"redis" envPrefix:"REDIS_"`
	API        API                  `toml:"api" envPrefix:"API_"`
	Worker     Worker               `toml:"worker" envPrefix:"WORKER_"`
	Store      Store                `toml:"store" envPrefix:"STORE_"`
	Keys       Keys                 `toml:"keys" envPrefix:"KEYS_"`
	Callers    []Caller             `toml:"callers" envPrefix:"CALLERS_"`
	Providers  []Provider           `toml:"providers" envPrefix:"PROVIDERS_"`
	Routes     Routes               `toml:"routes" envPrefix:"ROUTES_"`
	Messages   Messages             `toml:"messages" envPrefix:"MESSAGES_"`
	Namespaces map[string]Namespace `toml:"namespaces"`
	Log        Log                  `toml:"log" envPrefix:"LOG_"`
}

// Redis says where state and queue are kept.
type Redis struct {
	URL      Secret `toml:"url" env:"URL"`             // redis:// or rediss://
	QueueURL Secret `toml:"queue_url" env:"QUEUE_URL"` // "": the same
}

// API is the process that product backends talk to.
type API struct {
	Listen    string `toml:"listen" env:"LISTEN"`
	Admin     string `toml:"admin" env:"ADMIN"`           // health and metrics
	PublicURL string `toml:"public_url" env:"PUBLIC_URL"` // as providers reach /v1/receipts
}

// Worker is the process that delivers.
type Worker struct {
	Admin            string `toml:"admin" env:"ADMIN"`
	SMSConcurrency   int    `toml:"sms_concurrency" env:"SMS_CONCURRENCY"` // hand-overs at a time
	EmailConcurrency int    `toml:"email_concurrency" env:"EMAIL_CONCURRENCY"`
}

// Store is how state is kept.
type Store struct {
	Partitions int      `toml:"partitions" env:"PARTITIONS"` // fixed for the life of the data
	Retention  Duration `toml:"retention" env:"RETENTION"`   // of a verification and its journal
	EventsKept int      `toml:"events_kept" env:"EVENTS_KEPT"`
	// Durability is "redis", what the server's own persistence gives, or
	// "replicated": a start or check is answered once Replicas have it.
	Durability string `toml:"durability" env:"DURABILITY"`
	Replicas   int    `toml:"replicas" env:"REPLICAS"`
}

// Keys are the secrets everything is sealed and digested with.
type Keys struct {
	Primary string `toml:"primary" env:"PRIMARY"`  // the id of the key that new values are made with
	Ring    []Key  `toml:"ring" envPrefix:"RING_"` // all that are still needed for reading
	Anchor  Secret `toml:"anchor" env:"ANCHOR"`    // never changes
}

// Key is one master key.
type Key struct {
	ID     string `toml:"id" env:"ID"`
	Secret Secret `toml:"secret" env:"SECRET"` // 32 bytes in base64 or hex
}

// Caller is the holder of an API key.
type Caller struct {
	Name       string   `toml:"name" env:"NAME"`
	KeySHA256  string   `toml:"key_sha256" env:"KEY_SHA256"` // of the whole key, in hex
	Scopes     []string `toml:"scopes" env:"SCOPES"`
	Namespaces []string `toml:"namespaces" env:"NAMESPACES"` // none: all
}

// Provider is one account with a vendor.
type Provider struct {
	Name   string `toml:"name" env:"NAME"`
	Driver string `toml:"driver" env:"DRIVER"` // twilio or smtp
	Twilio Twilio `toml:"twilio" envPrefix:"TWILIO_"`
	SMTP   SMTP   `toml:"smtp" envPrefix:"SMTP_"`
}

// Twilio is what the driver twilio needs.
type Twilio struct {
	AccountSID          string   `toml:"account_sid" env:"ACCOUNT_SID"`
	Username            string   `toml:"username" env:"USERNAME"`       // an API key's SID; "": the account's
	Password            Secret   `toml:"password" env:"PASSWORD"`       // the API key's secret, or the auth token
	AuthTokens          []Secret `toml:"auth_tokens" env:"AUTH_TOKENS"` // that sign receipts
	From                string   `toml:"from" env:"FROM"`
	MessagingServiceSID string   `toml:"messaging_service_sid" env:"MESSAGING_SERVICE_SID"`
	BaseURL             string   `toml:"base_url" env:"BASE_URL"`
}

// SMTP is what the driver smtp needs.
type SMTP struct {
	Host        string `toml:"host" env:"HOST"`
	Port        int    `toml:"port" env:"PORT"`
	TLS         string `toml:"tls" env:"TLS"` // mandatory, opportunistic, implicit or none
	Username    string `toml:"username" env:"USERNAME"`
	Password    Secret `toml:"password" env:"PASSWORD"`
	From        string `toml:"from" env:"FROM"`
	HELO        string `toml:"helo" env:"HELO"`
	Connections int    `toml:"connections" env:"CONNECTIONS"`
}

// Routes name the providers of each channel in order of preference.
type Routes struct {
	SMS   []string `toml:"sms" env:"SMS"`
	Email []string `toml:"email" env:"EMAIL"`
}

// Messages is what all messages have in common.
type Messages struct {
	Brand string `toml:"brand" env:"BRAND"` // where a request has no param "brand"
}

// Log is what goes to standard error.
type Log struct {
	Level  string `toml:"level" env:"LEVEL"`   // debug, info, warn or error
	Format string `toml:"format" env:"FORMAT"` // json, text, or auto: text on a terminal
}

// Namespace overrides the default policy, value by value.
type Namespace struct {
	Channels    []string   `toml:"channels"`
	Digits      *int       `toml:"digits"`
	Life        *Duration  `toml:"life"`
	MaxLife     *Duration  `toml:"max_life"`
	MinLeft     *Duration  `toml:"min_left"`
	Resend      *string    `toml:"resend"`
	MaxChecks   *int       `toml:"max_checks"`
	MaxSends    *int       `toml:"max_sends"`
	LockAfter   *int       `toml:"lock_after"`
	FailWindow  *Duration  `toml:"fail_window"`
	Locks       []Duration `toml:"locks"`
	StrikeLife  *Duration  `toml:"strike_life"`
	Cooldown    *Duration  `toml:"cooldown"`
	AllCooldown *Duration  `toml:"all_cooldown"`
	Daily       *int       `toml:"daily"`
	AllDaily    *int       `toml:"all_daily"`
	SessionLife *Duration  `toml:"session_life"`
}

// Default is what holds where nothing is set: right for production, with the
// secrets and accounts missing.
func Default() Config {
	return Config{
		Redis:    Redis{URL: NewSecret("redis://127.0.0.1:6379/0")},
		API:      API{Listen: ":8080", Admin: ":9090"},
		Worker:   Worker{Admin: ":9091", SMSConcurrency: 100, EmailConcurrency: 50},
		Store:    Store{Partitions: 16, Retention: Duration(72 * time.Hour), EventsKept: 10_000, Durability: "redis", Replicas: 1},
		Messages: Messages{Brand: "otpipe"},
		Log:      Log{Level: "info", Format: "auto"},
	}
}

// Policies are the built-in namespaces and the configured ones.
func (c Config) Policies() map[otp.Namespace]otp.Policy {
	all := otp.BuiltIn()
	for name, n := range c.Namespaces {
		ns := otp.Namespace(name)
		p, known := all[ns]
		if !known {
			p = otp.DefaultPolicy()
		}
		all[ns] = n.over(p)
	}
	return all
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
		&p.SessionLife: n.SessionLife,
	} {
		if from != nil {
			*to = time.Duration(*from)
		}
	}
	return p
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

// QueueURL is where the queue is kept.
func (c Config) QueueURL() string {
	if c.Redis.QueueURL.Set() {
		return c.Redis.QueueURL.Reveal()
	}
	return c.Redis.URL.Reveal()
}
