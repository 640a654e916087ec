package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Support is the pages on which support staff see where a code went. There are
// some once somebody may sign in: see docs/support-login.md.
type Support struct {
	Listen    string   `toml:"listen"`     // where they listen: not where the API does
	PublicURL string   `toml:"public_url"` // as browsers reach them; may be left out where listen is a loopback address
	Idle      Duration `toml:"idle"`       // after so long without a click a person has to sign in again
	Absolute  Duration `toml:"absolute"`   // and after so long in any case
	Country   string   `toml:"country"`    // by which the search reads a number without +, as an ISO code such as DE; without it none is read
	// Proxies are the addresses or networks of your own reverse proxies: theirs is
	// the word on where a person signs in from, in X-Forwarded-For. Without it
	// the connection's own address counts.
	Proxies []string `toml:"proxies"`
	Users   []User   `toml:"users"`
	OIDC    OIDC     `toml:"oidc"`
	TLS     TLS      `toml:"tls"`
}

// User is a person who signs in with a name and a password.
type User struct {
	Name         string   `toml:"name"`          // in lower-case letters, digits and . _ @ + -, such as ada or ada@example.com
	PasswordHash Secret   `toml:"password_hash"` // $argon2id$…; the password itself stands nowhere
	Role         string   `toml:"role"`          // viewer looks up, operator also acts, admin also sees addresses in full
	Namespaces   []string `toml:"namespaces"`    // of which; without it of all
}

// OIDC is where people sign in instead, by OpenID Connect.
type OIDC struct {
	Issuer       string   `toml:"issuer"`        // the identity provider's, exactly as it names itself
	ClientID     string   `toml:"client_id"`     // under which it knows the support pages
	ClientSecret Secret   `toml:"client_secret"` // without it a public client, which PKCE alone protects
	Scopes       []string `toml:"scopes"`        // that are asked for
	Claim        string   `toml:"claim"`         // that says what a person is, a text or a list; with dots where it lies deeper, such as realm_access.roles
	// Roles are what its values mean: viewer, operator or admin. Of several the
	// highest counts; who has none is not let in.
	Roles map[string]string `toml:"roles"`
	// NamespacesClaim says in which namespaces a person works, * for all; who has
	// none is not let in. Without it everybody works in all.
	NamespacesClaim string `toml:"namespaces_claim"`
}

func defaultSupport() Support {
	return Support{
		Listen: "127.0.0.1:8081", Idle: Duration(30 * time.Minute), Absolute: Duration(12 * time.Hour),
		OIDC: OIDC{Scopes: []string{"openid", "profile", "email"}, Claim: "roles"},
	}
}

// On tells whether there are support pages: whether somebody may sign in.
func (s Support) On() bool { return len(s.Users) > 0 || s.OIDC.On() }

// On tells whether people sign in so.
func (o OIDC) On() bool { return o.Issuer != "" || o.ClientID != "" || o.ClientSecret.Set() }

// URL is how browsers reach the support pages.
func (s Support) URL() string {
	if s.PublicURL == "" && s.TLS.Files().On() {
		return "https://" + s.Listen
	}
	if s.PublicURL == "" {
		return "http://" + s.Listen
	}
	return strings.TrimSuffix(s.PublicURL, "/")
}

// newHash is how to make a password's hash.
const newHash = "otpctl user new"

var userForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

// ValidUser tells whether somebody may sign in under a name.
func ValidUser(name string) bool { return userForm.MatchString(name) }

const mostAbsolute = Duration(7 * 24 * time.Hour)

func (c Config) checkSupport(cs *complaints) {
	s := c.Support
	c.checkSupportPlace(cs)
	cs.want(s.Absolute >= Duration(time.Minute) && s.Absolute <= mostAbsolute, "support.absolute", "want 1m to 168h")
	cs.want(s.Idle >= Duration(time.Minute) && s.Idle <= s.Absolute, "support.idle", "want at least 1m, and at most support.absolute")
	cs.want(s.Country == "" || countryForm.MatchString(s.Country), "support.country", "want an ISO 3166 code of two capital letters, such as DE")
	if _, err := s.Networks(); err != nil {
		cs.add("support.proxies", "want addresses or networks, such as 10.0.0.7 or 10.0.0.0/8")
	}
	c.checkUsers(cs)
	if s.OIDC.On() {
		s.OIDC.check(cs)
	}
}

// checkSupportPlace keeps the pages away from the public port, and passwords and
// cookies from the wire.
func (c Config) checkSupportPlace(cs *complaints) {
	s := c.Support
	own, ok := port(s.Listen)
	cs.want(ok, "support.listen", "want an address such as 127.0.0.1:8081")
	for setting, other := range map[string]string{"api.listen": c.API.Listen, "api.admin": c.API.Admin} {
		taken, _ := port(other)
		cs.want(!ok || !s.On() || own == 0 || own != taken, "support.listen", "want another port than that of %s", setting)
	}
	switch {
	case s.PublicURL != "":
		cs.want(browsable(s.PublicURL), "support.public_url", "want https://host as browsers reach the pages, with nothing behind it; plain http only on loopback")
	case s.On():
		cs.want(loopbackAddress(s.Listen), "support.public_url", "want https://host as browsers reach the pages, or a loopback address in support.listen")
	}
}

// browsable tells whether a URL is an origin on which a cookie is safe.
func browsable(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopbackHost(u.Hostname())
}

func loopbackHost(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

func loopbackAddress(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && loopbackHost(host)
}

// Networks are the proxies' addresses.
func (s Support) Networks() ([]netip.Prefix, error) { return networks(s.Proxies) }

// Networks are the proxies' addresses.
func (a API) Networks() ([]netip.Prefix, error) { return networks(a.Proxies) }

func networks(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if one, bad := netip.ParseAddr(text); bad == nil {
			network, err = one.Prefix(one.BitLen())
		}
		if err != nil {
			return nil, err
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

func (c Config) checkUsers(cs *complaints) {
	seen := map[string]bool{}
	for i, u := range c.Support.Users {
		where := entry("support.users", i)
		cs.want(userForm.MatchString(u.Name) && !seen[u.Name], where+".name", "want a name of its own in lower-case letters, digits and . _ @ + -")
		seen[u.Name] = true
		if _, err := otp.ParsePasswordHash(u.PasswordHash.Reveal()); err != nil {
			cs.add(where+".password_hash", "%s: %s", err, newHash)
		}
		cs.want(slices.Contains(otp.Roles, otp.Role(u.Role)), where+".role", "want one of %v", otp.Roles)
		for _, ns := range u.Namespaces {
			_, known := c.Policies()[otp.Namespace(ns)]
			cs.want(known, where+".namespaces", "one of them is not a namespace")
		}
	}
}

func (o OIDC) check(cs *complaints) {
	issuer, err := url.Parse(o.Issuer)
	good := err == nil && issuer.Hostname() != "" && issuer.User == nil && issuer.RawQuery == "" && issuer.Fragment == ""
	cs.want(good && (issuer.Scheme == "https" || issuer.Scheme == "http" && loopbackHost(issuer.Hostname())), "support.oidc.issuer", "want the identity provider's https://… as its own discovery names it")
	cs.want(o.ClientID != "", "support.oidc.client_id", "want the id under which the identity provider knows the support pages")
	cs.want(slices.Contains(o.Scopes, "openid"), "support.oidc.scopes", "want openid among them")
	cs.want(o.Claim != "", "support.oidc.claim", "want the claim that says what a person is, such as roles or realm_access.roles")
	cs.want(len(o.Roles) > 0, "support.oidc.roles", "want what the claim's values mean, such as { otp-support = \"viewer\", otp-operators = \"operator\" }")
	for _, role := range o.Roles {
		cs.want(slices.Contains(otp.Roles, otp.Role(role)), "support.oidc.roles", "want one of %v for each value", otp.Roles)
	}
}
