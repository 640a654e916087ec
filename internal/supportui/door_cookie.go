package supportui

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

// The cookies: of a visit, and of a referral on its way.
const (
	visitCookie    = "otpipe"
	referralCookie = "otpipe-oidc"
	referralAge    = 600 // seconds
)

// cookieName has browsers take a cookie from this host alone, by https alone.
// Plain http is for loopback, where they would not.
func (d *Door) cookieName(name string) string {
	if d.Secure {
		return "__Host-" + name
	}
	return name
}

func (d *Door) cookie(r *http.Request, name string) (otp.Pass, bool) {
	c, err := r.Cookie(d.cookieName(name))
	if err != nil {
		return otp.Pass{}, false
	}
	p, err := otp.ParsePass(c.Value)
	return p, err == nil
}

// setCookie keeps a pass in the browser; with an age of 0 until it is closed.
func (d *Door) setCookie(w http.ResponseWriter, name string, p otp.Pass, age int) {
	http.SetCookie(w, d.newCookie(name, p.Reveal(), age))
}

func (d *Door) dropCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, d.newCookie(name, "", -1))
}

// newCookie is Lax, not Strict: a link in a ticket leads to a page, and the
// identity provider leads back to us.
func (d *Door) newCookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure but on loopback, where browsers would drop it
		Name: d.cookieName(name), Value: value, Path: "/", MaxAge: age,
		Secure: d.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// ownPath is where somebody may be sent after the sign-in: a page of ours, or
// the first one. A query is left behind, for it may hold an address.
func ownPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "/"
	}
	outside := !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") // browsers read //host as another site,
	odd := strings.ContainsFunc(u.Path, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f })
	if outside || odd || strings.HasPrefix(u.Path, "/log") { // /login would be a circle, /logout a way out
		return "/"
	}
	return (&url.URL{Path: u.Path}).String()
}

// From is where a request comes from.
func (d *Door) From(r *http.Request) netip.Addr { return d.Proxies.Of(r) }
