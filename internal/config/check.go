package config

import (
	"fmt"
	"math/bits"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Levels are those of the log, the most talkative first.
var Levels = []string{"debug", "info", "warn", "error"}

// ValidName tells whether a caller, a provider or an endpoint may be named so.
func ValidName(s string) bool { return nameForm.MatchString(s) }

// Check says everything that is wrong with the settings, a line for each.
func (c Config) Check() error {
	var cs complaints
	c.check(&cs)
	return cs.join()
}

func (c Config) check(cs *complaints) {
	c.checkPlaces(cs)
	c.Worker.checkBounces(cs)
	c.checkListeners(cs)
	c.checkStore(cs)
	c.secrets(cs)
	c.checkCallers(cs)
	c.checkProviders(cs)
	c.checkRoutes(cs)
	c.Breaker.check(cs)
	c.checkEvents(cs)
	c.checkSupport(cs)
	c.checkNamespaces(cs)
	c.checkDestinations(cs)
	c.checkLimits(cs)
	c.checkTollGuard(cs)
	c.checkAudit(cs)
	c.checkDatabase(cs)
	c.checkMessages(cs)
	cs.want(slices.Contains(Levels, c.Log.Level), "log.level", "want debug, info, warn or error")
	cs.want(slices.Contains([]string{"auto", "json", "text"}, c.Log.Format), "log.format", "want auto, json or text")
}

func (c Config) checkPlaces(cs *complaints) {
	c.Redis.check(cs)
	for where, a := range map[string]string{"api.listen": c.API.Listen, "api.admin": c.API.Admin, "worker.admin": c.Worker.Admin} {
		_, ok := port(a)
		cs.want(ok, where, "want an address such as :8080 or 127.0.0.1:8080")
	}
	_, err := c.API.Networks()
	cs.want(err == nil, "api.proxies", "want addresses or networks, such as 10.0.0.7 or 10.0.0.0/8")
	if c.API.PublicURL != "" {
		p, err := url.Parse(c.API.PublicURL)
		cs.want(err == nil && p.Host != "" && (p.Scheme == "https" || p.Scheme == "http"), "api.public_url", "want https://host, as providers reach this api")
		cs.want(err != nil || p.RawQuery == "" && p.Fragment == "", "api.public_url", "want neither ? nor #: /v1/receipts/… is written behind it")
	}
	cs.want(c.Worker.SMSConcurrency > 0, "worker.sms_concurrency", "want 1 or more")
	cs.want(c.Worker.AskAfter >= Duration(5*time.Second) && c.Worker.AskAfter <= c.Store.Retention, "worker.ask_after", "want at least 5s, and less than store.retention")
	cs.want(c.Worker.EmailConcurrency > 0, "worker.email_concurrency", "want 1 or more")
}

// port is that of an address to listen on.
func port(address string) (n uint64, ok bool) {
	_, text, err := net.SplitHostPort(address)
	n, nan := strconv.ParseUint(text, 10, 16)
	return n, err == nil && nan == nil
}

func (c Config) checkStore(cs *complaints) {
	n := c.Store.Partitions
	cs.want(n >= 1 && n <= otp.MaxPartitions && bits.OnesCount(uint(max(n, 0))) == 1, "store.partitions", "want a power of two up to %d", otp.MaxPartitions)
	cs.want(c.Store.Retention >= Duration(c.longestLife()), "store.retention", "want at least the longest max_life, and better days")
	cs.want(c.Store.EventsKept >= 100, "store.events_kept", "want 100 or more")
	cs.want(slices.Contains([]string{"redis", "replicated"}, c.Store.Durability), "store.durability", "want redis or replicated")
	cs.want(c.Store.Durability != "replicated" || c.Store.Replicas >= 1, "store.replicas", "want 1 or more")
}

func (c Config) checkNamespaces(cs *complaints) {
	for ns, p := range c.Policies() {
		where := joined("namespaces", string(ns))
		cs.want(ns.Valid(), where, "a name is 2 to 32 lower-case letters, digits and dashes, and not all")
		for _, err := range parted(p.Check()) {
			value, want, _ := strings.Cut(err.Error(), ": ")
			cs.add(joined(where, value), "%s", want)
		}
		for value, d := range c.Namespaces[string(ns)].durations() {
			cs.want(d == 0 || d >= Duration(time.Millisecond), joined(where, value), "a duration has a unit: want 90s, 5m or 72h")
		}
	}
}

// parted takes joined errors apart, so that each can say where it belongs.
func parted(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
}

func (c Config) longestLife() (longest int64) {
	for _, p := range c.Policies() {
		longest = max(longest, int64(p.MaxLife))
	}
	return longest
}

func (c Config) checkCallers(cs *complaints) {
	seen := map[string]bool{}
	for i, k := range c.Callers {
		where := fmt.Sprintf("callers[%d]", i)
		cs.want(nameForm.MatchString(k.Name) && !seen[k.Name], where+".name", "want a name of its own in lower-case letters, digits and dashes")
		seen[k.Name] = true
		cs.want(hashForm.MatchString(k.KeySHA256) && !placeholder(k.KeySHA256), where+".key_sha256", "want your key's SHA-256 in lower-case hex: %s", newCaller)
		cs.want(len(k.Scopes) > 0, where+".scopes", "name at least one of %v", otp.Scopes)
		for _, s := range k.Scopes {
			cs.want(slices.Contains(otp.Scopes, otp.Scope(s)), where+".scopes", "want some of %v", otp.Scopes)
		}
		for _, ns := range k.Namespaces {
			_, known := c.Policies()[otp.Namespace(ns)]
			cs.want(known, where+".namespaces", "one of them is not a namespace")
		}
	}
}

func (c Config) checkProviders(cs *complaints) {
	seen := map[string]bool{}
	for i, p := range c.Providers {
		where := fmt.Sprintf("providers[%d]", i)
		cs.want(nameForm.MatchString(p.Name) && !seen[p.Name], where+".name", "want a name of its own in lower-case letters, digits and dashes")
		seen[p.Name] = true
		cs.want(p.PerSecond >= 0, where+".per_second", "want 0 or more")
		cs.want(p.Concurrency >= 0, where+".concurrency", "want 0 or more")
		switch p.Driver {
		case "twilio":
			p.Twilio.check(cs, where+".twilio", c.API.PublicURL)
		case "smtp":
			p.SMTP.check(cs, where+".smtp")
		case "webhook":
			p.Webhook.check(cs, where+".webhook")
		default:
			cs.add(where+".driver", "want twilio, smtp or webhook")
		}
	}
}

func (t Twilio) check(cs *complaints, where, publicURL string) {
	cs.want(regexp.MustCompile(`^AC[0-9a-f]{32}$`).MatchString(t.AccountSID), where+".account_sid", "want AC and 32 hex digits")
	keyed := regexp.MustCompile(`^SK[0-9a-fA-F]{32}$`).MatchString(t.Username)
	cs.want(keyed || t.Username == "" || t.Username == t.AccountSID, where+".username", "want an API key's SID, which is SK and 32 hex digits, or leave it out for the account's")
	cs.want(t.Password.Set(), where+".password", "want the API key's secret, or the auth token")
	t.checkSender(cs, where)
	t.checkPlace(cs, where)
	t.checkTerms(cs, where)
	cs.want(publicURL == "" || len(t.AuthTokens) > 0, where+".auth_tokens", "want the account's auth token: receipts are signed with it")
	for _, token := range t.AuthTokens {
		cs.want(token.Set(), where+".auth_tokens", "an empty token would accept what anybody signs")
	}
}

func (t Twilio) checkSender(cs *complaints, where string) {
	cs.want((t.From == "") != (t.MessagingServiceSID == ""), where+".from", "want either from or messaging_service_sid")
	sender := regexp.MustCompile(`^(\+[1-9]\d{6,14}|\d{3,8}|[A-Za-z0-9 &_-]{1,11})$`).MatchString(t.From)
	cs.want(sender || t.From == "", where+".from", "want a number such as +15005550006, a short code, or a name of up to 11 letters and digits")
	service := regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`).MatchString(t.MessagingServiceSID)
	cs.want(service || t.MessagingServiceSID == "", where+".messaging_service_sid", "want MG and 32 hex digits")
}

// checkPlace has no list of Twilio's places, which come and go.
func (t Twilio) checkPlace(cs *complaints, where string) {
	cs.want((t.Edge == "") == (t.Region == ""), where+".region", "want both edge and region, such as dublin and ie1, or neither")
	cs.want(t.Edge == "" || regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(t.Edge), where+".edge", "want an edge location such as ashburn, dublin or sydney")
	cs.want(t.Region == "" || regexp.MustCompile(`^[a-z]{2}[0-9]$`).MatchString(t.Region), where+".region", "want a region such as us1, ie1 or au1")
	u, err := url.Parse(t.BaseURL)
	cs.want(t.BaseURL == "" || err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https"), where+".base_url", "want https://host, or leave it out for Twilio's own")
	cs.want(t.BaseURL == "" || t.Region == "", where+".base_url", "want either base_url, or edge and region")
}

// checkTerms holds to the values of Twilio's OpenAPI file.
func (t Twilio) checkTerms(cs *complaints, where string) {
	cs.want(slices.Contains([]string{"", "enable", "disable"}, t.RiskCheck), where+".risk_check", "want enable or disable, or leave it to the account")
	cs.want(slices.Contains([]string{"", "discard", "retain"}, t.ContentRetention), where+".content_retention", "want discard or retain, or leave it to the account")
	cs.want(slices.Contains([]string{"", "obfuscate", "retain"}, t.AddressRetention), where+".address_retention", "want obfuscate or retain, or leave it to the account")
}

func (s SMTP) check(cs *complaints, where string) {
	cs.want(s.Host != "", where+".host", "want the mail relay's name")
	cs.want(s.Port > 0 && s.Port < 65536, where+".port", "want 587, or 465 with tls = \"implicit\"")
	cs.want(slices.Contains([]string{"", "mandatory", "opportunistic", "implicit", "none"}, s.TLS), where+".tls", "want mandatory, opportunistic, implicit or none")
	cs.want(mailbox(s.From), where+".from", "want a mailbox such as Example <otp@example.com>")
	cs.want(s.BounceDomain == "" || domainForm.MatchString(s.BounceDomain) && len(s.BounceDomain) <= maxBounce, where+".bounce_domain", "want a domain whose mail reaches otpipe, such as bounce.example.com")
	for i, d := range s.DKIM {
		d.check(cs, fmt.Sprintf("%s.dkim[%d]", where, i))
	}
	cs.want((s.Username == "") == !s.Password.Set(), where+".password", "want both username and password, or neither")
}
