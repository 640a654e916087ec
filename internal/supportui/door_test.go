package supportui_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/login"
	"github.com/otpipe/otpipe/internal/otp"
)

func TestNobodySeesAPageWithoutSigningIn(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	for _, path := range []string{"/", "/overview", "/recipients/x", "/verifications/VE00000000000000000000000000000000", "/verifications/VE00000000000000000000000000000000/live", "/nowhere", "/search"} {
		p := w.browser().stop().get(path)
		if p.status != http.StatusSeeOther || !strings.HasPrefix(p.header.Get("Location"), "/login") {
			t.Errorf("%s: %d, to %s", path, p.status, p.header.Get("Location"))
		}
	}
	for _, path := range []string{"/search", "/verifications/VE00000000000000000000000000000000/cancel", "/login/oidc"} {
		if p := w.browser().stop().post(path, url.Values{"q": {"x"}}, nil); p.status != http.StatusSeeOther || p.header.Get("Location") != "/login" {
			t.Errorf("POST %s: %d, to %s", path, p.status, p.header.Get("Location"))
		}
	}
}

func TestWhoSignsInSeesThePageTheyWanted(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser()
	asked := b.get("/verifications/VE1?secret=1")
	if asked.path != "/login?to=%2Fverifications%2FVE1" || !strings.Contains(asked.text, `name="to" value="/verifications/VE1"`) {
		t.Fatalf("asked at %s", asked.path)
	}
	p := b.stop().post("/login", url.Values{"name": {" Ada "}, "password": {adasPassword}, "to": {"/verifications/VE1"}}, nil)
	if p.status != http.StatusSeeOther || p.header.Get("Location") != "/verifications/VE1" {
		t.Fatalf("%d, to %s", p.status, p.header.Get("Location"))
	}
	b.mustBeIn("ada")
	if p := b.get("/login?to=/overview"); p.header.Get("Location") != "/overview" {
		t.Errorf("whoever is in is led to %q", p.header.Get("Location"))
	}
}

func TestASignInLeadsToAPageOfOursOnly(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser().stop()
	for _, to := range []string{
		"//evil.example", "//evil.example/overview", "///evil.example", `/\evil.example`, `\\evil.example`, `\/evil.example`, "https:evil.example", "https://evil.example", "http:///evil.example",
		"/%2f/evil.example", "/%2F%2Fevil.example", "%2f%2fevil.example", "/%5cevil.example", "/\t/evil.example", "/%09/evil.example", "/\r\nSet-Cookie: a=b", "/%0d%0aSet-Cookie:a=b",
		"javascript:alert(1)", "data:text/html,x", "//user@evil.example", "evil.example", "@evil.example", "?a", "", "/login", "/login/oidc", "/logout", " //evil.example", "/\x00",
	} {
		for _, p := range []page{
			b.post("/login", url.Values{"name": {"ada"}, "password": {adasPassword}, "to": {to}}, nil),
			b.get("/login?" + url.Values{"to": {to}}.Encode()), // for who is in
		} {
			if p.status != http.StatusSeeOther || p.header.Get("Location") != "/" || p.header.Get("Set-Cookie") == "a=b" {
				t.Errorf("%q leads to %q (%d)", to, p.header.Get("Location"), p.status)
			}
		}
	}
	for to, want := range map[string]string{"/overview": "/overview", "/a b": "/a%20b", "/überblick": "/%C3%BCberblick", "/overview?q=%2B4915112345678#x": "/overview", "/a//b": "/a/b"} {
		if p := b.get("/login?" + url.Values{"to": {to}}.Encode()); p.header.Get("Location") != want {
			t.Errorf("%q leads to %q", to, p.header.Get("Location"))
		}
	}
}

func TestTheLoginHasOneAnswerForAWrongNameAndAWrongPassword(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	known := w.browser().signIn("ada", "wrong horse battery")
	unknown := w.browser().signIn("bob", "wrong horse battery")
	same := func(p page) string { return strings.NewReplacer("ada", "-", "bob", "-").Replace(p.text) }
	if known.status != http.StatusForbidden || unknown.status != known.status || same(known) != same(unknown) || !strings.Contains(known.text, "not the right name and password") {
		t.Errorf("%d %s\n%d %s", known.status, known.text, unknown.status, unknown.text)
	}
	for name := range known.header {
		if name != "Date" && known.header.Get(name) != unknown.header.Get(name) {
			t.Errorf("%s differs", name)
		}
	}
	if strings.Contains(known.text, "wrong horse") {
		t.Error("the page shows the password")
	}
}

// People type passwords into the wrong field: what is nobody's name is told nowhere.
func TestWhatIsNobodysNameIsNotLogged(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	for range 8 {
		w.browser().signIn("canary-of-a-password", "x")
	}
	w.browser().signIn("ada", "canary-of-a-password")
	if log := w.log.String() + fmt.Sprint(w.events()); strings.Contains(log, "canary") {
		t.Error(log)
	}
	if !slices.Contains(w.events(), "staff.refused ada") || !slices.Contains(w.events(), "staff.refused ") || !slices.Contains(w.events(), "staff.throttled ") {
		t.Error(w.events())
	}
}

func TestAHundredWrongPasswordsAtOnceCountAsAHundred(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	answers := make(chan page, 100)
	for range cap(answers) {
		b := w.browser()
		go func() { answers <- b.signIn("ada", "wrong horse battery") }()
	}
	count := map[int]int{}
	for range cap(answers) {
		p := <-answers
		count[p.status]++
		if wait := p.header.Get("Retry-After"); p.status == http.StatusTooManyRequests && (wait == "" || wait == "0") {
			t.Errorf("wait %q", wait)
		}
	}
	if count[http.StatusForbidden] != 5 || count[http.StatusTooManyRequests] != 95 {
		t.Errorf("%v, want 5 compared and 95 not", count)
	}
	if p := w.browser().signIn("ada", adasPassword); p.status != http.StatusTooManyRequests || !strings.Contains(p.text, "Try again in a minute.") && !strings.Contains(p.text, " seconds.") {
		t.Errorf("the right one is compared all the same: %d", p.status)
	}
	refused := slices.DeleteFunc(w.events(), func(e string) bool { return e != "staff.refused ada" })
	if len(refused) != 5 || slices.Contains(w.events(), "staff.signed_in ada") {
		t.Errorf("more than five are compared: %q", w.events())
	}
	w.ahead.Add(int64(time.Minute + time.Second))
	b := w.browser()
	b.signIn("ada", adasPassword)
	b.mustBeIn("ada")
}

func TestASessionIsNotOneThatSomebodyElseChose(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	victim, chosen := w.browser(), otp.NewPass().Reveal()
	victim.put("otpipe", chosen)
	victim.signIn("ada", adasPassword)
	victim.mustBeIn("ada")
	if victim.cookie("otpipe") == chosen {
		t.Error("the pass is the one that was there before")
	}
	attacker := w.browser()
	attacker.put("otpipe", chosen)
	attacker.mustBeOut()

	before := victim.cookie("otpipe")
	victim.signIn("ada", adasPassword)
	attacker.put("otpipe", before)
	attacker.mustBeOut() // a new sign-in has ended the old visit
	victim.mustBeIn("ada")
}

func TestWhoSignsOutIsOut(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser()
	b.signIn("ada", adasPassword)
	pass := b.cookie("otpipe")
	p := b.post("/logout", nil, nil)
	if p.path != "/login?out=here" || !strings.Contains(p.text, "You are signed out.") || b.cookie("otpipe") != "" {
		t.Errorf("%s, cookie %q", p.path, b.cookie("otpipe"))
	}
	thief := w.browser()
	thief.put("otpipe", pass)
	thief.mustBeOut()
	if got := w.events(); !slices.Equal(got, []string{"staff.signed_in ada", "staff.signed_out ada"}) {
		t.Error(got)
	}
	if p := w.browser().stop().get("/logout"); p.header.Get("Location") == "/login?out=here" {
		t.Error("a link signs people out")
	}
}

func TestAVisitIsOverWithoutClicksAndInAnyCase(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser()
	b.signIn("ada", adasPassword)
	for range 23 {
		w.ahead.Add(int64(29 * time.Minute))
		b.mustBeIn("ada")
	}
	w.ahead.Add(int64(54 * time.Minute)) // 12 h and a minute
	b.mustBeOut()

	b.signIn("ada", adasPassword)
	w.ahead.Add(int64(31 * time.Minute))
	b.mustBeOut()
}

func TestAVisitFollowsTheSettings(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser()
	b.signIn("ada", adasPassword)
	w.list("ada", otp.Viewer)
	if p := b.get("/"); !strings.Contains(p.text, "<small>viewer</small>") {
		t.Error("ada has the role of before")
	}
	w.list("bob", otp.Viewer)
	b.mustBeOut()
	w.list("ada", otp.Operator)
	b.mustBeOut() // what is over does not come back
	if got := w.events(); !slices.Contains(got, "staff.signed_out ada") {
		t.Error(got)
	}
}

func TestAForgedPostIsRefused(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser()
	b.signIn("ada", adasPassword)
	for name, forge := range map[string]func(*http.Request){
		"from another site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"from a sibling":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"by an old browser": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
	} {
		for path, form := range map[string]url.Values{"/logout": nil, "/login": {"name": {"ada"}, "password": {adasPassword}}} {
			if p := b.post(path, form, forge); p.status != http.StatusForbidden || p.header.Get("Set-Cookie") != "" {
				t.Errorf("%s %s: %d", path, name, p.status)
			}
		}
	}
	b.mustBeIn("ada")
}

func TestCookiesAreForThisHostAndHTTPSOnly(t *testing.T) {
	t.Parallel()
	w := openDoor(t, func(w *doorway) { w.door.Secure = true })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser().stop()
	b.Jar, b.Transport = jar, trusting()
	p := b.signIn("ada", adasPassword)
	c := p.header.Get("Set-Cookie")
	if !strings.HasPrefix(c, "__Host-otpipe=") || !strings.HasSuffix(c, "; Path=/; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("Set-Cookie: %s", strings.Replace(c, b.cookie("__Host-otpipe"), "…", 1))
	}
	b.mustBeIn("ada")
	// What another port of the host may have set is not taken for it.
	other := w.browser()
	other.Transport = trusting()
	other.put("otpipe", b.cookie("__Host-otpipe"))
	other.mustBeOut()
	if p := other.stop().get("/login/oidc"); !strings.HasPrefix(p.header.Get("Set-Cookie"), "__Host-otpipe-oidc=") || !strings.Contains(p.header.Get("Set-Cookie"), "; Max-Age=600; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("of a referral: %s", p.header.Get("Set-Cookie"))
	}
}

func TestAPlaceIsWhatOurOwnProxiesSay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		proxies []string
		hops    string
		want    string
	}{
		"no proxy":                   {nil, "203.0.113.9", "127.0.0.1"},
		"our proxy":                  {[]string{"127.0.0.0/8"}, "203.0.113.9", "203.0.113.9"},
		"a client that lies":         {[]string{"127.0.0.0/8"}, "198.51.100.1, 203.0.113.9", "203.0.113.9"},
		"two of ours":                {[]string{"127.0.0.0/8", "10.0.0.0/8"}, "198.51.100.1, 203.0.113.9,10.0.0.7", "203.0.113.9"},
		"a client that is a proxy":   {[]string{"127.0.0.0/8", "10.0.0.0/8"}, "10.0.0.9", "10.0.0.9"},
		"a proxy that says nothing":  {[]string{"127.0.0.0/8"}, "", "127.0.0.1"},
		"a proxy that says nonsense": {[]string{"127.0.0.0/8"}, "203.0.113.9, <script>", "127.0.0.1"},
		"an IPv4 address as IPv6":    {[]string{"127.0.0.0/8"}, "::ffff:203.0.113.9", "203.0.113.9"},
		"somebody else's proxy":      {[]string{"10.0.0.0/8"}, "203.0.113.9", "127.0.0.1"},
		"an IPv6 address":            {[]string{"127.0.0.0/8"}, "2001:db8::7", "2001:db8::7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := openDoor(t, func(w *doorway) { w.door.Proxies = prefixes(t, c.proxies...) })
			w.browser().post("/login", url.Values{"name": {"bob"}, "password": {"x"}}, func(r *http.Request) { r.Header.Set("X-Forwarded-For", c.hops) })
			if !strings.Contains(w.log.String(), " from="+c.want+"\n") {
				t.Error(w.log.String())
			}
		})
	}
}

func TestAStreamIsNoClickAndKnowsWhenItsVisitIsOver(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	stream := w.door.Watch(func(rw http.ResponseWriter, r *http.Request, who otp.Staff) {
		now, still := w.door.Still(r)
		_, _ = fmt.Fprintf(rw, "%s %s %t", who.Name, now.Role, still)
	})
	b := w.browser()
	b.signIn("ada", adasPassword)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: "otpipe", Value: b.cookie("otpipe")})
	open := func() *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		stream.ServeHTTP(rec, r)
		return rec
	}
	for range 5 {
		if got := open(); got.Body.String() != "ada operator true" {
			t.Fatal(got.Code, got.Body)
		}
		w.ahead.Add(int64(7 * time.Minute))
	}
	if got := open(); got.Code != http.StatusSeeOther {
		t.Errorf("streams have kept the visit alive: %d %s", got.Code, got.Body)
	}
	if _, still := w.door.Still(r); still {
		t.Error("a stream goes on for who is out")
	}
}

func TestHtmxIsToldToTakeTheWholePageToTheLogin(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/verifications/VE1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Current-URL", w.url+"/verifications/VE1?a=b")
	p := w.browser().do(r)
	if p.status != http.StatusUnauthorized || p.header.Get("HX-Redirect") != "/login?to=%2Fverifications%2FVE1" {
		t.Errorf("%d, to %s", p.status, p.header.Get("HX-Redirect"))
	}
}

func TestWithoutRedisNobodyGetsIn(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser()
	b.signIn("ada", adasPassword)
	_ = w.rdb.Close()
	if p := b.get("/"); p.status != http.StatusServiceUnavailable || !strings.Contains(p.text, "Redis") {
		t.Errorf("a page: %d", p.status)
	}
	if p := w.browser().signIn("ada", adasPassword); p.status != http.StatusServiceUnavailable {
		t.Errorf("a sign-in: %d", p.status)
	}
	if p := w.browser().get("/login"); p.status != http.StatusOK || !strings.Contains(p.text, "Password") {
		t.Errorf("the login: %d", p.status)
	}
	if p := b.post("/logout", nil, nil); p.status != http.StatusServiceUnavailable || b.cookie("otpipe") == "" {
		t.Errorf("a sign-out that did not happen is told as one: %d", p.status)
	}
}

func TestOnlyTheWaysThatThereAreAreShown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change         func(*doorway)
		password, oidc bool
	}{
		"both":         {func(*doorway) {}, true, true},
		"passwords":    {func(w *doorway) { w.door.Voucher = nil }, true, false},
		"OpenID":       {func(w *doorway) { w.door.Users = nil }, false, true},
		"a later OIDC": {func(w *doorway) { w.door.Voucher = w.vouched(login.Grants{}) }, true, true},
	} {
		w := openDoor(t, c.change)
		p := w.browser().get("/login")
		if strings.Contains(p.text, `type="password"`) != c.password || strings.Contains(p.text, `href="/login/oidc?to=`) != c.oidc {
			t.Errorf("%s: %s", name, p.text)
		}
		if strings.Contains(p.text, "<style") || strings.Contains(p.text, "style=") || strings.Contains(p.text, "<script>") {
			t.Errorf("%s: something inline", name)
		}
	}
}

func TestAHalfFilledFormIsNotCounted(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	for range 10 {
		if p := w.browser().signIn("ada", ""); p.status != http.StatusBadRequest {
			t.Fatal(p.status)
		}
	}
	b := w.browser()
	b.signIn("ada", adasPassword)
	b.mustBeIn("ada")
	if p := w.browser().signIn(strings.Repeat("x", 20_000), "x"); p.status == http.StatusSeeOther || p.status >= 500 {
		t.Errorf("a form that is too large: %d", p.status)
	}
}

func TestWhatIsTypedCannotBreakOutOfThePage(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	const canary = `"><script>alert(1)</script>`
	for _, p := range []page{w.browser().signIn(canary, "x"), w.browser().get("/login?" + url.Values{"to": {"/" + canary}, "out": {canary}}.Encode())} {
		if strings.Contains(p.text, "<script>alert") {
			t.Error(p.text)
		}
	}
}

// Addresses of pages are kept by browsers and proxies.
func TestAPasswordInAnAddressIsNotTaken(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	b := w.browser()
	query := "/login?" + url.Values{"name": {"ada"}, "password": {adasPassword}}.Encode()
	b.get(query)
	if p := b.post(query, nil, nil); p.status != http.StatusBadRequest {
		t.Error(p.status)
	}
	b.mustBeOut()
}
