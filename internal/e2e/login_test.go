package e2e_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	otpipe "github.com/otpipe/otpipe/client"
)

// guest is a browser in front of the Go example, whose cookie a test sees.
type guest struct {
	t      *testing.T
	site   string
	cookie string
}

// posts submits a form and returns the page that follows. header are names and values.
func (g *guest) posts(path string, form url.Values, header ...string) (page string, status int) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.site+path, strings.NewReader(form.Encode()))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return g.send(req)
}

func (g *guest) sees() string {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, g.site, http.NoBody)
	if err != nil {
		g.t.Fatal(err)
	}
	page, _ := g.send(req)
	return page
}

func (g *guest) send(req *http.Request) (page string, status int) {
	g.t.Helper()
	if g.cookie != "" {
		req.AddCookie(&http.Cookie{Name: "login", Value: g.cookie})
	}
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		g.t.Error(err)
		return "", 0
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Error(err)
	}
	for _, c := range res.Cookies() {
		if g.cookie = c.Value; !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || len(c.Value) < 26 || c.Domain != "" {
			g.t.Errorf("the cookie is %s", c)
		}
	}
	return string(text), res.StatusCode
}

const signedIn = "<h1>Signed in as"

func TestTheGoExampleLetsNobodyElseIn(t *testing.T) {
	t.Parallel()
	d := dev(t)
	site := startExample(t, d)
	const mine, theirs = "+4915123456789", "+4915123456780"
	owner := &guest{t: t, site: site}
	owner.posts("/ask", url.Values{"phone": {mine}})
	code, before := url.Values{"code": {visit(t, d).code(mine)}}, owner.cookie

	if _, status := owner.posts("/check", code, "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("a forged post: %d", status)
	}
	stranger := &guest{t: t, site: site}
	stranger.posts("/ask", url.Values{"phone": {mine}}) // refused, for the cooldown is the recipient's
	for range 6 {
		if page, _ := stranger.posts("/check", code); strings.Contains(page, signedIn) {
			t.Error("a stranger who knows the code is in")
		}
	}
	elsewhere := otpipe.Client{BaseURL: "http://" + d.api, Key: otpipe.Hide("dev")}
	for range 6 { // another site of the same otpipe, whose visitors guess
		_, _ = elsewhere.Check(t.Context(), otpipe.CheckRequest{Namespace: "phone-auth", To: mine, Code: otpipe.Hide(wrongCode(code.Get("code")).Get("code"))})
	}
	if page, _ := owner.posts("/check", code); !strings.Contains(page, signedIn) {
		t.Fatalf("the owner is not in:\n%s", page)
	}
	if fixed := (&guest{t: t, site: site, cookie: before}); strings.Contains(fixed.sees(), signedIn) {
		t.Error("who knew the cookie before is in")
	}
	if page, _ := owner.posts("/ask", url.Values{"phone": {theirs}}); strings.Contains(page, signedIn) {
		t.Errorf("who asks for a code for another number is signed in as its owner:\n%s", page)
	}
}

func TestWhoSignsOutOfTheGoExampleIsOut(t *testing.T) {
	t.Parallel()
	d := dev(t)
	owner := &guest{t: t, site: startExample(t, d)}
	const mine = "+4915123456789"
	owner.posts("/ask", url.Values{"phone": {mine}})
	owner.posts("/check", url.Values{"code": {visit(t, d).code(mine)}})
	if page := owner.sees(); !strings.Contains(page, signedIn) {
		t.Fatalf("not in:\n%s", page)
	}
	copied := &guest{t: t, site: owner.site, cookie: owner.cookie}
	owner.posts("/out", nil)
	if strings.Contains(owner.sees(), signedIn) || strings.Contains(copied.sees(), signedIn) {
		t.Error("still in")
	}
}

// What waits while its browser signs in came under a cookie that is no good any more.
func TestWhoKnewTheCookieCannotSlipInWithItsOwner(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/verifications/check" {
			asked <- struct{}{}
			<-answer
			_, _ = io.WriteString(w, `{"id":"VE1","status":"approved","valid":true,"checks_left":4}`)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"id":"VE1","to_masked":"+49•••89"}`)
	}))
	t.Cleanup(api.Close)
	owner := &guest{t: t, site: startExample(t, devMode{api: strings.TrimPrefix(api.URL, "http://")})}
	owner.posts("/ask", url.Values{"phone": {"+4915123456789"}})
	looking, asking := &guest{t: t, site: owner.site, cookie: owner.cookie}, &guest{t: t, site: owner.site, cookie: owner.cookie}
	pages, stolen := make(chan string), make(chan string)
	go func() { page, _ := owner.posts("/check", url.Values{"code": {"123456"}}); pages <- page }()
	<-asked
	go func() { stolen <- looking.sees() }()
	go func() {
		page, _ := asking.posts("/ask", url.Values{"phone": {"+4915123456780"}})
		stolen <- page + asking.sees()
	}()
	time.Sleep(200 * time.Millisecond) // the thief's requests wait, or come too late to do harm
	close(answer)
	if page := <-pages; !strings.Contains(page, signedIn) {
		t.Errorf("the owner is not in:\n%s", page)
	}
	for range 2 {
		if page := <-stolen; strings.Contains(page, signedIn) {
			t.Errorf("the thief is in:\n%s", page)
		}
	}
}
