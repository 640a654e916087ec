package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	cdp "github.com/chromedp/chromedp"

	"github.com/otpipe/otpipe/internal/browsertest"
)

// visitor is a browser without JavaScript in front of the demo's login form.
type visitor struct {
	t    *testing.T
	at   devMode
	http *http.Client
}

func visit(t *testing.T, at devMode) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, at, &http.Client{Jar: jar, Timeout: 10 * time.Second}}
}

// sends submits a form and holds the page that follows to what it must show. What a
// busy machine's Redis did not answer in time is sent again, as the page asks.
func (v *visitor) sends(step string, form url.Values, want string) {
	v.t.Helper()
	page := v.answer(step, form)
	for range 3 {
		if strings.Contains(page, "That did not work. Please try again.") {
			page = v.answer(step, form)
		}
	}
	if !strings.Contains(page, want) {
		v.t.Fatalf("%s %v: the page does not say %q:\n%s", step, form, want, page)
	}
}

func (v *visitor) answer(step string, form url.Values) string {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, "http://"+v.at.inbox+"/demo/"+step, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(page)
}

// code reads the newest message to an address, as its owner would.
func (v *visitor) code(to string) (code string) {
	v.t.Helper()
	eventually(v.t, 30*time.Second, "the code arrives", func() bool {
		req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, "http://"+v.at.inbox+"/api/messages?to="+url.QueryEscape(to), http.NoBody)
		if err != nil {
			v.t.Fatal(err)
		}
		res, err := v.http.Do(req)
		if err != nil {
			v.t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		var messages []struct{ Code string }
		if err := json.NewDecoder(res.Body).Decode(&messages); err != nil {
			v.t.Fatal(err)
		}
		if len(messages) > 0 {
			code = messages[0].Code
		}
		return code != ""
	})
	return code
}

func wrongCode(code string) url.Values {
	return url.Values{"code": {string('0'+(code[0]-'0'+1)%10) + code[1:]}}
}

func TestTheDemoShowsEveryStateOfALogin(t *testing.T) {
	t.Parallel()
	at := dev(t)
	v := visit(t, at)
	const phone, mail = "+4915123456789", "kim@example.com"

	v.sends("ask", url.Values{"to": {"0151 23456789"}}, "not a phone number in international form")
	v.sends("ask", url.Values{"to": {phone}}, "by SMS to <strong>&#43;49•••••••••89</strong>")
	v.sends("again", nil, "A code was sent a moment ago.")
	code := v.code(phone)
	v.sends("check", url.Values{"code": {"12"}}, "The code has six digits.")
	v.sends("check", wrongCode(code), "That is not the code.")
	v.sends("check", url.Values{"code": {code[:3] + " " + code[3:]}}, "<h2>Signed in</h2>")
	v.sends("over", nil, "Send me a code")

	v.sends("ask", url.Values{"to": {mail}}, "by e-mail to <strong>k•••@e•••.com</strong>")
	code = v.code(mail)
	for range 3 {
		v.sends("check", wrongCode(code), "Look at the newest message")
	}
	v.sends("check", wrongCode(code), "One try left.")
	v.sends("check", wrongCode(code), "Too many wrong codes")
	v.sends("check", url.Values{"code": {code}}, "Too many wrong codes")

	// The lock is the other browser's: this one is bound to another session.
	owner := visit(t, at)
	owner.sends("ask", url.Values{"to": {mail}}, "That is enough for now.") // the cooldown is the recipient's
}

func TestTheDemoSignsInByTheWidget(t *testing.T) {
	t.Parallel()
	at := dev(t)
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	const phone = "+4915123456789"
	until := func(expression string) {
		t.Helper()
		if _, err := cdp.Run(ctx, cdp.Poll[bool](expression, cdp.WithPollingTimeout(time.Minute))); err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
	}
	browsertest.Do(ctx, t, cdp.Navigate("http://"+at.inbox+"/demo"))
	browsertest.Axe(ctx, t)
	browsertest.Do(ctx, t, cdp.SendKeys("#to", phone), cdp.Click("form button"), cdp.WaitReady("otpipe-code"))
	until(`!!document.querySelector("otpipe-code").shadowRoot`) // its script has run
	until(`/^Send it again|in 0:\d\d$/.test(document.querySelector("otpipe-code").shadowRoot.querySelector(".resend").textContent)`)
	until(`document.querySelector("otpipe-code").shadowRoot.activeElement === ` + field)
	browsertest.Axe(ctx, t)
	code := visit(t, at).code(phone)
	browsertest.Do(ctx, t, cdp.KeyEvent(wrongCode(code).Get("code")))
	until(`document.querySelector("otpipe-code").shadowRoot.querySelector("[role=alert]").textContent.startsWith("That code is not right.")`)
	until(`document.querySelector("#said pre:last-of-type").textContent.includes("code_mismatch")`)
	browsertest.Do(ctx, t, cdp.KeyEvent(code), cdp.WaitNotPresent("otpipe-code"))
	browsertest.Expect(ctx, t, `document.querySelector(".card h2").textContent`, "Signed in")
	browsertest.Axe(ctx, t)
	quiet()
}
