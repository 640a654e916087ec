package app

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
)

// Subject is one thing that the settings are about.
type Subject struct{ Name, Meaning string }

// overview says what settings mean, without a secret.
func overview(c config.Config) (all []Subject) {
	line := func(name, format string, args ...any) {
		all = append(all, Subject{name, fmt.Sprintf(format, args...)})
	}
	line("api", "%s, health and metrics on %s", c.API.Listen, c.API.Admin)
	if u, err := url.Parse(c.API.PublicURL); err == nil && u.Host != "" {
		line("receipts", "%s/v1/receipts/…", strings.TrimSuffix(u.Redacted(), "/"))
	}
	if c.Support.On() {
		line("support", "%s, listening on %s; %s", c.Support.URL(), c.Support.Listen, whoSignsIn(c.Support))
	}
	line("worker", "health and metrics on %s, %d texts and %d mails at a time", c.Worker.Admin, c.Worker.SMSConcurrency, c.Worker.EmailConcurrency)
	if domains := bounceDomains(c); c.Worker.Bounces != "" && len(domains) > 0 {
		line("bounces", "%s, to %s", c.Worker.Bounces, strings.Join(domains, ", "))
	}
	line("redis", "%s, queue in %s", where(c.Redis.State), where(c.Redis.Queue))
	line("store", "%d partitions, time lines kept %s, durability %s", c.Store.Partitions, Short(time.Duration(c.Store.Retention)), c.Store.Durability)
	line("keys", "%s", keyIDs(c.Keys))
	for _, k := range c.Callers {
		line("caller", "%s: %s; %s", k.Name, strings.Join(k.Scopes, ", "), orAll(k.Namespaces))
	}
	for _, p := range c.Providers {
		line("provider", "%s: %s", p.Name, account(p))
	}
	line("routes", "sms: %s; email: %s", orNone(c.Routes.SMS), orNone(c.Routes.Email))
	for _, e := range c.Events {
		line("events", "to %s: %s; %s", e.Name, orAllTypes(e.Types), orAll(e.Namespaces))
	}
	policies := c.Policies()
	for _, ns := range slices.Sorted(maps.Keys(policies)) {
		line("namespace", "%s", policy(ns, policies[ns]))
	}
	return all
}

// whoSignsIn says by what ways people come to the support pages.
func whoSignsIn(s config.Support) string {
	var ways []string
	for _, u := range s.Users {
		ways = append(ways, fmt.Sprintf("%s (%s)", u.Name, u.Role))
	}
	if s.OIDC.On() {
		ways = append(ways, "whom "+s.OIDC.Issuer+" vouches for")
	}
	return strings.Join(ways, ", ")
}

// where is a Redis' place, without user and password.
func where(at place) string {
	o, err := at()
	if err != nil {
		return "?"
	}
	text := strings.Join(o.Addrs, ", ")
	switch {
	case o.IsClusterMode:
		text = "the cluster of " + text
	case o.MasterName != "":
		text = fmt.Sprintf("%s/%d by the sentinels %s", o.MasterName, o.DB, text)
	default:
		text = fmt.Sprintf("%s/%d", text, o.DB)
	}
	if o.TLSConfig != nil {
		text += " with TLS"
	}
	return text
}

// account says which vendor, and where if that is ours to say.
func account(p config.Provider) string {
	if p.Driver == "smtp" {
		return "smtp to " + net.JoinHostPort(p.SMTP.Host, strconv.Itoa(p.SMTP.Port))
	}
	return p.Driver
}

// Short is a duration as people write it: 72h, not 72h0m0s.
func Short(d time.Duration) string {
	text := d.String()
	if d >= time.Minute && d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d >= time.Hour && d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func keyIDs(k config.Keys) string {
	var others []string
	for _, key := range k.Ring {
		if key.ID != k.Primary {
			others = append(others, key.ID)
		}
	}
	if len(others) == 0 {
		return k.Primary
	}
	return k.Primary + ", for reading " + strings.Join(others, ", ")
}

func policy(ns otp.Namespace, p otp.Policy) string {
	var channels []string
	for _, c := range p.Channels {
		channels = append(channels, string(c))
	}
	return fmt.Sprintf("%s: %s, %d digits for %s, %d a day", ns, strings.Join(channels, " or "), p.Digits, Short(p.Life), p.Daily)
}

func orAll(names []string) string {
	if len(names) == 0 {
		return "all namespaces"
	}
	return strings.Join(names, ", ")
}

func orAllTypes(types []string) string {
	if len(types) == 0 {
		return "all types"
	}
	return strings.Join(types, ", ")
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", then ")
}
