package supportui_test

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/login"
	"github.com/otpipe/otpipe/internal/otp"
)

// trusting is a transport that asks no server for an authority.
func trusting() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
}

// back is where the provider leads a browser that is sent there from a page.
func (b *browser) back(page string) string {
	b.w.t.Helper()
	b.stop()
	sent := b.get("/login/oidc?" + url.Values{"to": {page}}.Encode())
	r, err := http.NewRequestWithContext(b.w.t.Context(), http.MethodGet, sent.header.Get("Location"), nil)
	if err != nil {
		b.w.t.Fatal(err)
	}
	p := b.do(r)
	return strings.TrimPrefix(p.header.Get("Location"), b.w.url)
}

func TestAPersonWhoIsVouchedForIsIn(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser()
	if p := b.get("/login/oidc?to=/verifications/VE1"); p.path != "/verifications/VE1" {
		t.Fatalf("led to %s: %s", p.path, w.log)
	}
	b.mustBeIn("kim@example.com")
	if b.cookie("otpipe-oidc") != "" {
		t.Error("the referral's cookie stays")
	}
	p := b.post("/logout", nil, nil)
	want := `<a href="` + w.idp.URL + `/logout?client_id=otpipe&amp;post_logout_redirect_uri=` + url.QueryEscape(w.url+"/login") + `"`
	if p.path != "/login?out=oidc" || !strings.Contains(p.text, want) {
		t.Errorf("%s: no link to the provider's logout: %s", p.path, p.text)
	}
	if got := w.events(); !slices.Equal(got, []string{"staff.signed_in kim@example.com", "staff.signed_out kim@example.com"}) {
		t.Error(got)
	}
}

func TestAnAnswerIsGoodForTheBrowserThatWasSentAndOnce(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser()
	to := b.back("/")
	for name, thief := range map[string]func(*browser, string) string{
		"another browser":             func(_ *browser, to string) string { return to },
		"a browser that was sent too": func(b *browser, to string) string { b.back("/"); return to },
		"another state": func(other *browser, to string) string {
			for _, c := range b.Jar.Cookies(b.here()) {
				other.put(c.Name, c.Value)
			}
			return strings.Replace(to, "state=", "state=x", 1)
		},
		"no state": func(_ *browser, to string) string { before, _, _ := strings.Cut(to, "&state="); return before },
	} {
		other := w.browser().stop()
		if p := other.get(thief(other, to)); p.status != http.StatusForbidden || other.cookie("otpipe") != "" {
			t.Errorf("%s: %d", name, p.status)
		}
	}
	if p := b.get(to); p.status != http.StatusSeeOther || p.header.Get("Location") != "/" {
		t.Fatalf("the right one: %d %s", p.status, p.text)
	}
	spent := w.idp.Spent()
	again := w.browser().stop()
	again.put("otpipe-oidc", b.cookie("otpipe-oidc"))
	if p := again.get(to); p.status != http.StatusForbidden || w.idp.Spent() != spent {
		t.Errorf("again: %d", p.status)
	}
}

// Login CSRF: a victim who follows an attacker's answer must not find themselves
// in the attacker's account.
func TestAnAttackersAnswerDoesNotSignAVictimIn(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	attackers := w.browser().back("/")
	victim := w.browser()
	if p := victim.get(attackers); p.status != http.StatusForbidden {
		t.Errorf("%d of %s", p.status, p.path)
	}
	victim.mustBeOut()
	// And one who is in already stays who they are.
	victim.signIn("ada", adasPassword)
	victim.get(w.browser().back("/"))
	victim.mustBeIn("ada")
}

func TestWhoHasNoRoleIsToldSoAndNotLetIn(t *testing.T) {
	t.Parallel()
	w := openDoor(t, func(w *doorway) { w.idp.Person["roles"] = []string{"sales"} })
	b := w.browser()
	p := b.get("/login/oidc")
	if p.status != http.StatusForbidden || !strings.Contains(p.text, "kim@example.com, who has no role here") {
		t.Errorf("%d: %s", p.status, p.text)
	}
	b.mustBeOut()
	if got := w.events(); !slices.Equal(got, []string{"staff.refused kim@example.com"}) {
		t.Error(got)
	}
}

func TestARoleThatMeansSomethingElseNowEndsTheVisit(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser()
	b.get("/login/oidc")
	b.mustBeIn("kim@example.com")
	w.door.Voucher = w.vouched(login.Grants{Claim: "roles", Roles: map[string]otp.Role{"other": otp.Viewer}})
	b.mustBeOut()
	w.door.Voucher = nil
	b.mustBeOut()
}

func TestWhatTheProviderRefusesIsNoSignIn(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser()
	to, err := url.Parse(b.back("/"))
	if err != nil {
		t.Fatal(err)
	}
	q := url.Values{"state": {to.Query().Get("state")}, "error": {"access_denied"}, "error_description": {"<b>canary</b>"}}
	if p := b.get("/login/oidc/callback?" + q.Encode()); p.status != http.StatusForbidden || strings.Contains(p.text, "canary") {
		t.Errorf("%d: %s", p.status, p.text)
	}
	w.idp.Lie = func(claims map[string]any) { claims["nonce"] = "another" }
	if p := w.browser().get("/login/oidc"); p.status != http.StatusForbidden || !strings.Contains(p.text, "did not sign you in") {
		t.Errorf("a token of another sign-in: %d", p.status)
	}
	if strings.Contains(w.log.String(), "canary-of-the-client") {
		t.Error("the log tells the client's secret")
	}
}

func TestAReferralLeadsToAPageOfOursOnly(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	for _, to := range []string{"//evil.example", `/\evil.example`, "https:evil.example", "/%2f/evil.example", "https://evil.example"} {
		b := w.browser()
		if p := b.get(b.back(to)); p.header.Get("Location") != "/" {
			t.Errorf("%q leads to %q", to, p.header.Get("Location"))
		}
	}
}

func TestReferralsAreCountedToo(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser().stop()
	refused := 0
	for range 60 {
		if p := b.get("/login/oidc"); p.status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 20 {
		t.Errorf("%d of 60 are refused: each leaves a key in Redis", refused)
	}
}

func TestAProviderThatIsDownIsSaidToBe(t *testing.T) {
	t.Parallel()
	w := openDoor(t, func(w *doorway) {
		o := w.vouched(login.Grants{})
		o.Issuer = "http://127.0.0.1:1"
		w.door.Voucher = o
	})
	if p := w.browser().get("/login/oidc"); p.status != http.StatusServiceUnavailable || !strings.Contains(p.text, "does not answer") {
		t.Errorf("%d: %s", p.status, p.text)
	}
	b := w.browser()
	b.signIn("ada", adasPassword)
	b.mustBeIn("ada")
}
