package config_test

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

func user(change func(u *config.User)) func(*config.Support) {
	return func(s *config.Support) { change(&s.Users[0]) }
}

func oidc(change func(o *config.OIDC)) func(*config.Support) {
	return func(s *config.Support) { change(&s.OIDC) }
}

func hashed(costs string) func(*config.Support) {
	return user(func(u *config.User) {
		u.PasswordHash = config.NewSecret("$argon2id$v=19$" + costs + "$Y2FuYXJ5LW9mLXNhbHQ$Y2FuYXJ5LW9mLXRoZS1wYXNzd29yZC0tLS0tLS0tLS0")
	})
}

func supportAt(listen, public string) func(*config.Support) {
	return func(s *config.Support) { s.Listen, s.PublicURL = listen, public }
}

func TestWhatIsWrongAboutTheSupportPagesIsSaidWithItsPlace(t *testing.T) {
	t.Parallel()
	secrets := canaries(t)
	for name, f := range map[string]struct {
		change func(*config.Support)
		where  string
	}{
		"no address":                        {supportAt("", "https://s.example.com"), "support.listen"},
		"the API's port":                    {supportAt("127.0.0.1:8000", "https://s.example.com"), "support.listen"},
		"the port of health":                {supportAt(":9000", "https://s.example.com"), "support.listen"},
		"everywhere without a public url":   {supportAt(":8001", ""), "support.public_url"},
		"a network without a public url":    {supportAt("192.0.2.1:8001", ""), "support.public_url"},
		"a public url in clear":             {supportAt(":8001", "http://support.example.com"), "support.public_url"},
		"one that only begins as loopback":  {supportAt(":8001", "http://127.0.0.1.example.com"), "support.public_url"},
		"a public url of a user":            {supportAt(":8001", "http://localhost@example.com"), "support.public_url"},
		"a public url with a path":          {supportAt(":8001", "https://example.com/support"), "support.public_url"},
		"a public url with a query":         {supportAt(":8001", "https://example.com/?a=b"), "support.public_url"},
		"a public url by another scheme":    {supportAt(":8001", "javascript://example.com"), "support.public_url"},
		"no idle":                           {func(s *config.Support) { s.Idle = 0 }, "support.idle"},
		"an idle above the absolute limit":  {func(s *config.Support) { s.Idle = s.Absolute + 1 }, "support.idle"},
		"a session of months":               {func(s *config.Support) { s.Absolute *= 1000 }, "support.absolute"},
		"a country by name":                 {func(s *config.Support) { s.Country = "Germany" }, "support.country"},
		"a proxy by name":                   {func(s *config.Support) { s.Proxies = []string{"proxy.example.com"} }, "support.proxies"},
		"a user without a name":             {user(func(u *config.User) { u.Name = "" }), "support.users[0].name"},
		"a user in capitals":                {user(func(u *config.User) { u.Name = "Ada" }), "support.users[0].name"},
		"two of one name":                   {func(s *config.Support) { s.Users = append(s.Users, s.Users[0]) }, "support.users[1].name"},
		"a password in clear":               {user(func(u *config.User) { u.PasswordHash = config.NewSecret("canary of a password") }), "support.users[0].password_hash"},
		"no hash":                           {user(func(u *config.User) { u.PasswordHash = config.Secret{} }), "support.users[0].password_hash"},
		"a hash that takes all memory":      {hashed("m=4194304,t=2,p=1"), "support.users[0].password_hash"},
		"a hash that is guessed in no time": {hashed("m=64,t=1,p=1"), "support.users[0].password_hash"},
		"no role":                           {user(func(u *config.User) { u.Role = "" }), "support.users[0].role"},
		"a role there is not":               {user(func(u *config.User) { u.Role = "root" }), "support.users[0].role"},
		"a namespace there is not":          {user(func(u *config.User) { u.Namespaces = []string{"phone-auht"} }), "support.users[0].namespaces"},
		"no issuer":                         {oidc(func(o *config.OIDC) { o.Issuer = "" }), "support.oidc.issuer"},
		"an issuer in clear":                {oidc(func(o *config.OIDC) { o.Issuer = "http://login.example.com" }), "support.oidc.issuer"},
		"an issuer with a query":            {oidc(func(o *config.OIDC) { o.Issuer = "https://login.example.com/?a" }), "support.oidc.issuer"},
		"no client":                         {oidc(func(o *config.OIDC) { o.ClientID = "" }), "support.oidc.client_id"},
		"scopes without openid":             {oidc(func(o *config.OIDC) { o.Scopes = []string{"email"} }), "support.oidc.scopes"},
		"no claim":                          {oidc(func(o *config.OIDC) { o.Claim = "" }), "support.oidc.claim"},
		"a claim without meaning":           {oidc(func(o *config.OIDC) { o.Roles = nil }), "support.oidc.roles"},
		"a meaning there is not":            {oidc(func(o *config.OIDC) { o.Roles = map[string]string{"a": "viewer", "b": "root"} }), "support.oidc.roles"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, good)
			f.change(&c.Support)
			err := c.Check()
			if err == nil || !strings.HasPrefix(err.Error(), f.where+": ") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, want one complaint about %s", err, f.where)
			}
			silent(t, "the complaint", err.Error(), secrets)
		})
	}
}

func TestSupportPagesMayBeReachedOverHTTPSOrOnLoopback(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]struct {
		change func(*config.Support)
		url    string
	}{
		"behind a proxy":                  {supportAt("127.0.0.1:8001", "https://support.example.com/"), "https://support.example.com"},
		"on loopback":                     {supportAt("127.0.0.1:8001", ""), "http://127.0.0.1:8001"},
		"on loopback of IPv6":             {supportAt("[::1]:8001", ""), "http://[::1]:8001"},
		"on localhost":                    {supportAt("localhost:8001", ""), "http://localhost:8001"},
		"everywhere, seen from one place": {supportAt(":8001", "http://localhost:8001"), "http://localhost:8001"},
		"on any port": {func(s *config.Support) {
			s.Listen, s.PublicURL = "127.0.0.1:0", "https://support.example.com"
		}, "https://support.example.com"},
		"of a public client":    {oidc(func(o *config.OIDC) { o.ClientSecret = config.Secret{} }), "https://support.example.com"},
		"of an IdP on loopback": {oidc(func(o *config.OIDC) { o.Issuer = "http://127.0.0.1:5556/dex" }), "https://support.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := parse(t, good)
			f.change(&c.Support)
			if err := c.Check(); err != nil || c.Support.URL() != f.url {
				t.Fatalf("%s: %v", c.Support.URL(), err)
			}
		})
	}
}

func TestThereAreSupportPagesOnceSomebodyMaySignIn(t *testing.T) {
	t.Parallel()
	if parse(t, least).Support.On() {
		t.Error("there are pages that nobody may see")
	}
	both := parse(t, good).Support
	one, other := both, both
	one.Users, other.OIDC = nil, config.OIDC{}
	if !both.On() || !one.On() || !other.On() {
		t.Error("somebody may sign in and there are no pages")
	}
	// Where there are none, their default port is anybody's.
	c := parse(t, least)
	c.API.Listen = ":8081"
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestProxiesAreAddressesAndNetworks(t *testing.T) {
	t.Parallel()
	s := config.Support{Proxies: []string{"10.1.2.3/8", "192.0.2.7", "2001:db8::1"}}
	all, err := s.Networks()
	if err != nil || len(all) != 3 || all[0].String() != "10.0.0.0/8" || all[1].String() != "192.0.2.7/32" || all[2].String() != "2001:db8::1/128" {
		t.Errorf("%v, %v", all, err)
	}
}

func TestPagesBehindAProxyThatIsNotNamedAreWarnedOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*config.Support)
		want   bool
	}{
		"not named":          {func(s *config.Support) { s.Proxies = nil }, true},
		"named":              {func(s *config.Support) { s.Proxies = []string{"10.0.0.0/8"} }, false},
		"no proxy":           {func(s *config.Support) { s.Proxies, s.PublicURL = nil, "" }, false},
		"nobody may sign in": {func(s *config.Support) { *s = config.Support{PublicURL: "https://support.example.com"} }, false},
	} {
		conf := parse(t, good)
		c.change(&conf.Support)
		if got := strings.Contains(strings.Join(conf.Warnings(), "\n"), "support.proxies: "); got != c.want {
			t.Errorf("%s: %q", name, conf.Warnings())
		}
	}
}
