package widget_test

import (
	"testing"

	cdp "github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/otpipe/otpipe/internal/browsertest"
)

const sent = "/check?code=" + code + "&csrf=token-7"

func TestACodeThatIsTypedIsCheckedOnceWithTheFormsOwnFields(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, element(""), nil)
	quiet := browsertest.Quiet(ctx, t)
	types(ctx, t, code)
	state(ctx, t, "approved")
	browsertest.Expect(ctx, t, boxes, code)
	browsertest.Expect(ctx, t, shadow+`querySelector("label").textContent + ", " + `+shadow+`querySelector(".submit").textContent`, "Your code, Sign in")
	p.wantAsked(sent)
	quiet()
}

func TestACodeArrivesHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, element("manual"), nil)
	for _, text := range []string{
		"739182", " 739 182\n", "739-182", "7 3 9 1 8 2", "739‑182", "73.91.82", "739\u200b182",
		"٧٣٩١٨٢", "۷۳۹۱۸۲", "７３９１８２", "७३९१८२",
		"Your code is 739182. It is valid for 5 minutes.", "@example.com #739182", "10 739182",
	} {
		run(ctx, t, widgetJS+`.reset()`)
		pastes(ctx, t, text)
		browsertest.Expect(ctx, t, input+`.value`, code)
	}
	run(ctx, t, widgetJS+`.reset()`)
	types(ctx, t, "٧٣x９-1 ८2")
	browsertest.Expect(ctx, t, boxes, code)
	p.wantAsked() // by hand only
	browsertest.Do(ctx, t, cdp.KeyEvent(kb.Enter))
	state(ctx, t, "approved")
	p.wantAsked(sent)
}

func TestTheBoxesAreEditedAsOneField(t *testing.T) {
	t.Parallel()
	_, ctx := open(t, element("manual"), nil)
	for _, step := range []struct{ keys, want string }{
		{"123", "123___"},
		{kb.Backspace, "12____"},
		{"3456789", "123459"}, // the last box is typed over
		{kb.ArrowLeft + kb.ArrowLeft + "0", "123409"},
		{kb.Home + "9", "923409"},
		{kb.Delete, "93409_"},
		{kb.End + kb.Backspace + kb.Backspace, "934___"},
	} {
		types(ctx, t, step.keys)
		browsertest.Expect(ctx, t, boxes, step.want)
	}
	run(ctx, t, `const b = `+shadow+`querySelectorAll(".box")[1].getBoundingClientRect(); window.at = [b.x + b.width / 2, b.y + b.height / 2]`)
	at, err := cdp.Run(ctx, cdp.Evaluate[[]float64](`window.at`))
	if err != nil {
		t.Fatal(err)
	}
	browsertest.Do(ctx, t, cdp.MouseClickXY(at[0], at[1]), cdp.KeyEvent("7"))
	browsertest.Expect(ctx, t, boxes, "974___")
	browsertest.Expect(ctx, t, `[...`+shadow+`querySelectorAll(".box")].map((b) => b.getAttribute("part")).join()`,
		"box box-filled,box box-filled,box box-active box-filled,box,box,box")
}

func TestWhatTheBrowserFillsInIsChecked(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, element(""), nil)
	browsertest.Expect(ctx, t, input+`.autocomplete + " " + `+input+`.inputMode + " " + `+shadow+`querySelectorAll("input").length`, "one-time-code numeric 1")
	run(ctx, t, input+`.value = "739 182"; `+input+`.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertReplacementText" }))`)
	state(ctx, t, "approved")
	p.wantAsked(sent)
}

func TestWhatWasTypedBeforeTheScriptCameStays(t *testing.T) {
	t.Parallel()
	_, ctx := open(t, element("manual"), nil)
	run(ctx, t, `const old = `+widgetJS+`; const fresh = document.createElement("otpipe-code"); fresh.setAttribute("manual", ""); `+
		`fresh.append(...old.childNodes); fresh.querySelector("#c").value = "73 9"; old.replaceWith(fresh)`)
	browsertest.Expect(ctx, t, boxes, "739___")
}

func TestTheMessageFillsItselfInWhereTheBrowserHasWebOTP(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, "", nil)
	// No phone is here, so its part is played.
	run(ctx, t, `window.OTPCredential = class {}; navigator.credentials.get = (o) => new Promise((ok, no) => { window.otp = o; window.arrive = ok; o.signal.addEventListener("abort", () => no(o.signal.reason)); }); `+
		`const e = document.createElement("otpipe-code"); e.setAttribute("manual", ""); e.setAttribute("check-url", "/check"); document.querySelector("main").append(e)`)
	browsertest.Expect(ctx, t, `window.otp.otp.transport.join() + " " + window.otp.signal.aborted`, "sms false")
	run(ctx, t, `window.arrive({ code: "739182" })`)
	state(ctx, t, "approved")
	p.wantAsked("/check?code=" + code)
	until(ctx, t, `String(window.otp.signal.aborted)`, "true")
}

func TestNobodyWaitsForAMessageAnyMoreWhenTheElementIsGoneOrDone(t *testing.T) {
	t.Parallel()
	_, ctx := open(t, "", nil)
	run(ctx, t, `window.OTPCredential = class {}; window.waits = []; navigator.credentials.get = (o) => new Promise((_, no) => { window.waits.push(o.signal); o.signal.addEventListener("abort", () => no(o.signal.reason)); }); `+
		`for (const name of ["check-url", "no-webotp"]) { const e = document.createElement("otpipe-code"); e.setAttribute(name, "/check"); document.querySelector("main").append(e) }`)
	browsertest.Expect(ctx, t, `String(window.waits.length)`, "1")
	types(ctx, t, code)
	state(ctx, t, "approved")
	browsertest.Expect(ctx, t, `String(window.waits[0].aborted)`, "true")
	run(ctx, t, `const e = document.createElement("otpipe-code"); document.body.append(e); e.remove()`)
	browsertest.Expect(ctx, t, `window.waits.map((s) => s.aborted).join()`, "true,true")
}
