package widget_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	protocol "github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdp "github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/otpipe/otpipe/internal/browsertest"
)

func TestAWrongCodeIsSaidAndTheNextOneTakesItsPlace(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, element(""), nil)
	quiet := browsertest.Quiet(ctx, t)
	run(ctx, t, `window.heard = []; new MutationObserver((all) => all.forEach((m) => m.target.textContent && window.heard.push(m.target.textContent))).observe(`+shadow+`querySelector("[role=alert]"), { childList: true })`)
	types(ctx, t, "111111")
	until(ctx, t, errorJS, "That code is not right. Look at the newest message.")
	browsertest.Expect(ctx, t, `window.heard.join()`, "That code is not right. Look at the newest message.")
	browsertest.Expect(ctx, t, input+`.getAttribute("aria-invalid") + " " + `+input+`.getAttribute("aria-describedby") + " " + (`+shadow+`activeElement === `+input+`)`, "true hint error true")
	browsertest.Do(ctx, t, cdp.KeyEvent("7"))
	browsertest.Expect(ctx, t, boxes+` + " " + `+errorJS+` + `+input+`.getAttribute("aria-invalid")`, "7_____ false")
	browsertest.Do(ctx, t, cdp.KeyEvent("39182"))
	state(ctx, t, "approved")
	p.wantAsked("/check?code=111111&csrf=token-7", sent)
	quiet()
}

func TestEachAnswerIsSaidInWords(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, element(`manual texts='{"weird":"Ganz anders."}'`), nil)
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{200, `{"valid":false,"public_reason":"invalid_or_expired","checks_left":1}`, "That code is not right. You have one try left."},
		{200, `{"valid":false,"reason":"expired","checks_left":0}`, "That code has expired. Ask for a new one."},
		{200, `{"valid":"true"}`, "That code is not right. Look at the newest message."},
		{400, `{"code":"invalid_code_format","detail":"not a code","errors":[{"pointer":"#/code","detail":"want 8 digits; this did not count as a check"}]}`, "Want 8 digits; this did not count as a check"},
		{403, `{"code":"no_session","detail":"Your session has ended. Sign in again."}`, "Your session has ended. Sign in again."},
		{400, `{"code":"weird","detail":"x"}`, "Ganz anders."},
		{503, `{"code":"store_unavailable","detail":"the store does not answer; try again","retry_after":1}`, "The store does not answer; try again"},
		{500, `<html>`, "That did not work. Check your connection and try again."},
		{200, `null`, "That code is not right. Look at the newest message."},
		{400, `{"detail":"<img src=x onerror=alert(1)>"}`, "<img src=x onerror=alert(1)>"},
	} {
		p.says("/check", c.status, c.body)
		run(ctx, t, widgetJS+`.reset()`)
		types(ctx, t, code+kb.Enter)
		until(ctx, t, errorJS, c.want)
		browsertest.Expect(ctx, t, input+`.value + " " + `+widgetJS+`.state`, code+" refused")
	}
	run(ctx, t, widgetJS+`.reset()`)
	types(ctx, t, "12"+kb.Enter)
	until(ctx, t, errorJS, "The code has 6 digits.")
}

func TestALockCountsDownAndEnds(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, element(""), func(p *product) {
		p.says("/check", http.StatusTooManyRequests, `{"code":"recipient_locked","detail":"too many","retry_after":3723}`)
	})
	types(ctx, t, code)
	state(ctx, t, "locked")
	browsertest.Expect(ctx, t, `String(/^Too many wrong codes\. Try again in 1:02:0\d\.$/.test(`+errorJS+`)) + `+input+`.readOnly + `+boxes, "truetrue______")
	browsertest.Do(ctx, t, cdp.KeyEvent("7"+kb.Enter))
	browsertest.Expect(ctx, t, boxes, "______")
	p.wantAsked(sent)
	run(ctx, t, widgetJS+`.reset(); window.heard = ""; new MutationObserver(() => { window.heard += "!" }).observe(`+shadow+`querySelector("[role=alert]"), { childList: true }); return new Promise((ok) => setTimeout(ok, 600))`)
	browsertest.Expect(ctx, t, errorJS+`+ window.heard + `+input+`.readOnly`, "false") // the count is over

	ended := answered(t, func(w http.ResponseWriter, _ url.Values) {
		say(w, 200, `{"valid":false,"checks_left":0,"retry_after":1,"locked_until":"2026-01-01T00:00:00.000Z"}`)
	})
	state(ended, t, "typing") // and it may be typed again
	browsertest.Expect(ended, t, errorJS, "")
}

// answered types a code that is answered in this way.
func answered(t *testing.T, answer func(w http.ResponseWriter, _ url.Values)) context.Context {
	t.Helper()
	_, ctx := open(t, element(""), func(p *product) { p.on("/check", answer) })
	types(ctx, t, code)
	until(ctx, t, `String(`+widgetJS+`.state !== "checking")`, "true")
	return ctx
}

func TestTheServersClockSaysHowLongALockLasts(t *testing.T) {
	t.Parallel()
	ctx := answered(t, func(w http.ResponseWriter, _ url.Values) { // of a server whose year is another
		w.Header().Set("Date", "Wed, 01 Jan 2020 00:00:00 GMT")
		say(w, 200, `{"valid":false,"checks_left":0,"locked_until":"2020-01-01T00:15:00.000Z"}`)
	})
	browsertest.Expect(ctx, t, `String(/in 1[45]:\d\d/.test(`+errorJS+`))`, "true")
}

func TestANetworkThatFailsIsSaidAndTheCodeStays(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, element(""), func(p *product) {
		p.on("/check", func(http.ResponseWriter, url.Values) { panic(http.ErrAbortHandler) })
	})
	types(ctx, t, code)
	until(ctx, t, errorJS, "That did not work. Check your connection and try again.")
	browsertest.Expect(ctx, t, boxes, code)
	p.says("/check", 200, `{"valid":true}`)
	browsertest.Do(ctx, t, cdp.KeyEvent(kb.Enter))
	state(ctx, t, "approved")
}

func TestHoweverOftenItIsSubmittedACodeIsSentOnce(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	p, ctx := open(t, element(""), func(p *product) {
		p.on("/check", func(w http.ResponseWriter, _ url.Values) { <-held; say(w, 200, `{"valid":true}`) })
	})
	types(ctx, t, code+kb.Enter+kb.Enter)
	run(ctx, t, `for (let i = 0; i < 20; i++) { `+shadow+`querySelector(".submit").click(); `+shadow+`querySelector("form").requestSubmit() }`)
	browsertest.Do(ctx, t, cdp.KeyEvent(kb.Backspace+"2"))
	browsertest.Expect(ctx, t, statusJS+` + `+shadow+`querySelector("form").getAttribute("aria-busy")`, "Checking…true")
	close(held)
	state(ctx, t, "approved")
	browsertest.Do(ctx, t, cdp.KeyEvent(kb.Enter))
	p.wantAsked(sent)
}

func TestANewCodeIsAskedForWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, element(`resend-in="2"`), nil)
	browsertest.Expect(ctx, t, resendJS+`.ariaDisabled`, "true")
	browsertest.Expect(ctx, t, `String(/^Send another|^Send a new code in 0:0[12]$/.test(`+resendJS+`.textContent))`, "true")
	run(ctx, t, resendJS+`.click()`)
	p.wantAsked()
	until(ctx, t, statusJS, "You can ask for a new code now.")
	browsertest.Expect(ctx, t, resendJS+`.textContent`, "Send another")
	run(ctx, t, resendJS+`.click(); `+resendJS+`.click()`)
	until(ctx, t, statusJS, "A new code is on its way.")
	browsertest.Expect(ctx, t, `String(/in 0:(30|2\d)$/.test(`+resendJS+`.textContent)) + (`+shadow+`activeElement === `+input+`)`, "truetrue")
	p.wantAsked("/resend?csrf=token-7")
}

func TestARefusedResendSaysWhyAndHowLong(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, element(""), func(p *product) {
		p.says("/resend", 429, `{"code":"cooldown_active","detail":"a code was sent a moment ago: wait","retry_after":60}`)
	})
	run(ctx, t, resendJS+`.click()`)
	until(ctx, t, errorJS, "A code was sent a moment ago: wait")
	browsertest.Expect(ctx, t, `String(/in (1:00|0:5\d)$/.test(`+resendJS+`.textContent))`, "true")
	p.says("/resend", 429, `{"code":"recipient_locked","retry_after":900}`)
	run(ctx, t, resendJS+`.ariaDisabled = "false"; `+resendJS+`.click()`)
	state(ctx, t, "locked")
}

func TestACodeThatExpiresIsSaid(t *testing.T) {
	t.Parallel()
	_, ctx := open(t, element(`expires-in="1"`), nil)
	until(ctx, t, errorJS, "That code has expired. Ask for a new one.")
}

func TestARightCodeLeadsOn(t *testing.T) {
	t.Parallel()
	_, ctx := open(t, element(""), func(p *product) { p.says("/check", 200, `{"valid":true,"redirect":"/done"}`) })
	types(ctx, t, code)
	browsertest.Do(ctx, t, cdp.WaitVisible("#done"))
	browsertest.Expect(ctx, t, `location.pathname`, "/done")
}

func TestNoAnswerLeadsToAnotherSiteOrIntoAScript(t *testing.T) {
	t.Parallel()
	for _, redirect := range []string{"https://evil.example/", "javascript:document.title='caught'", "//evil.example/", "data:text/html,caught"} {
		_, ctx := open(t, element(""), func(p *product) {
			p.says("/check", 200, `{"valid":true,"redirect":"`+redirect+`"}`)
			p.policy = "default-src 'self' 'unsafe-inline'"
		})
		run(ctx, t, `window.left = ""; navigation.addEventListener("navigate", (e) => { window.left += e.destination.url; e.preventDefault() })`)
		types(ctx, t, code)
		state(ctx, t, "approved")
		run(ctx, t, `return new Promise((ok) => setTimeout(ok, 100))`)
		browsertest.Expect(ctx, t, `window.left + document.title`, "Sign in")
	}
}

func TestThePageHearsWhatHappensAndMayKeepTheNextStepToItself(t *testing.T) {
	t.Parallel()
	_, ctx := open(t, element(`next-url="/done"`), nil)
	run(ctx, t, `window.heard = []; for (const n of ["approved", "refused", "resent"]) document.addEventListener("otpipe-" + n, (e) => { window.heard.push(n + JSON.stringify(e.detail)); e.preventDefault() })`)
	run(ctx, t, resendJS+`.click()`)
	until(ctx, t, `window.heard.join()`, `resent{"retry_after":30}`)
	types(ctx, t, "111111")
	state(ctx, t, "refused")
	browsertest.Do(ctx, t, cdp.KeyEvent(code))
	state(ctx, t, "approved")
	browsertest.Expect(ctx, t, `window.heard.slice(1).join()+location.pathname`, `refused{"valid":false,"public_reason":"invalid_or_expired","checks_left":4},approved{"valid":true}/`)
}

func TestTheCodeGoesToTheBackendAndNowhereElse(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, element(""), nil)
	complaints := browsertest.Quiet(ctx, t)
	run(ctx, t, `window.heard = ""; for (const n of ["approved", "refused", "resent", "input", "change"]) for (const m of ["otpipe-", ""]) document.addEventListener(m + n, (e) => { window.heard += JSON.stringify(e.detail ?? null) + (e.data ?? "") })`)
	types(ctx, t, code)
	state(ctx, t, "approved")
	leaks := `(() => {
		const attributes = (root) => [...root.querySelectorAll("*")].flatMap((e) => [...e.attributes].map((a) => a.value).concat(e.shadowRoot ? attributes(e.shadowRoot) : []));
		return [location.href, document.title, document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage), JSON.stringify(history.state), window.name,
			JSON.stringify(performance.getEntries()), ...attributes(document), document.documentElement.outerHTML].filter((s) => s.includes("` + code + `")).join(" | ");
	})()`
	browsertest.Expect(ctx, t, leaks, "")
	browsertest.Expect(ctx, t, `String(window.heard.includes("`+code+`"))`, "false")
	for _, asked := range p.wasAsked() {
		if !strings.HasPrefix(asked, "/check?") { // what product writes before a form's fields
			t.Errorf("asked %s", asked)
		}
	}
	complaints()
}

func TestACodeIsNotSentToAnotherSite(t *testing.T) {
	t.Parallel()
	other, _ := open(t, "", nil)
	p, ctx := open(t, element(`check-url="`+other.url+`/check"`), func(p *product) { p.policy = "connect-src *" })
	types(ctx, t, code)
	until(ctx, t, errorJS, "That did not work. Check your connection and try again.")
	p.wantAsked()
	other.wantAsked()
}

func TestWithoutScriptThePlainFormIsThere(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, "", nil)
	p.body = element("")
	browsertest.Do(ctx, t, cdp.Func(func(ctx context.Context, target *cdp.Target) error {
		_, err := protocol.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}), cdp.Navigate(p.url+"/"), cdp.WaitVisible("#c"), cdp.SendKeys("#c", code))
	run(ctx, t, ``) // the devtools still run scripts
	browsertest.Expect(ctx, t, `document.querySelector("#c").value + document.querySelector("#c").form.method`, code+"post")
}
