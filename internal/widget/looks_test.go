package widget_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	cdp "github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/otpipe/otpipe/internal/browsertest"
)

// shoot keeps a picture where OTPIPE_SHOTS says, for people to look at.
func shoot(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("OTPIPE_SHOTS")
	if dir == "" {
		return
	}
	picture, err := cdp.Run(ctx, cdp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "widget-"+name+".png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEveryStateIsForEverybody(t *testing.T) {
	t.Parallel()
	p, ctx := open(t, element(`resend-in="60"`), nil)
	browsertest.Do(ctx, t, cdp.EmulateViewport(360, 480))
	look := func(name string) {
		t.Helper()
		browsertest.Axe(ctx, t)
		shoot(ctx, t, name+"-light")
		browsertest.Do(ctx, t, browsertest.Media("prefers-color-scheme", "dark"))
		shoot(ctx, t, name+"-dark")
		browsertest.Do(ctx, t, browsertest.Media("forced-colors", "active"))
		shoot(ctx, t, name+"-forced")
		browsertest.Do(ctx, t, browsertest.Media("prefers-color-scheme", "light"))
	}
	types(ctx, t, "73")
	look("typing")
	types(ctx, t, "1111")
	state(ctx, t, "refused")
	look("refused")
	p.says("/check", 429, `{"code":"recipient_locked","retry_after":900}`)
	types(ctx, t, code)
	state(ctx, t, "locked")
	look("locked")
	run(ctx, t, widgetJS+`.reset()`)
	p.says("/check", 200, `{"valid":true}`)
	types(ctx, t, code)
	state(ctx, t, "approved")
	look("approved")
}

func TestDigitsRunFromLeftToRightOnPagesThatDoNot(t *testing.T) {
	t.Parallel()
	_, ctx := open(t, element(`resend-in="60" texts='{"label":"الرمز","submit":"متابعة","resendIn":"إرسال رمز جديد خلال {time}","wrong":"الرمز غير صحيح."}'`), func(p *product) {
		p.head = `<html lang="ar" dir="rtl"><head>`
	})
	browsertest.Do(ctx, t, cdp.EmulateViewport(360, 480))
	types(ctx, t, "٧٣٩")
	browsertest.Expect(ctx, t, `(() => { const x = [...`+shadow+`querySelectorAll(".box")].map((b) => b.getBoundingClientRect().x); return String(x.every((v, i) => !i || v > x[i - 1])) + `+boxes+` })()`, "true739___")
	browsertest.Expect(ctx, t, `String(`+shadow+`querySelector("label").getBoundingClientRect().right > innerWidth - 30)`, "true")
	types(ctx, t, "111")
	until(ctx, t, errorJS, "الرمز غير صحيح.")
	browsertest.Axe(ctx, t)
	shoot(ctx, t, "rtl")
}

func TestItFitsTheSmallestScreen(t *testing.T) {
	t.Parallel()
	_, ctx := open(t, element(`length="10" resend-in="60"`), nil)
	browsertest.Do(ctx, t, cdp.EmulateViewport(320, 480))
	types(ctx, t, "739182739")
	browsertest.Expect(ctx, t, `String(document.documentElement.scrollWidth <= innerWidth) + `+boxes, "true739182739_")
	shoot(ctx, t, "small")
}

func TestWhoWantsLessMotionGetsNone(t *testing.T) {
	t.Parallel()
	_, ctx := open(t, element(""), nil)
	browsertest.Do(ctx, t, browsertest.Media("prefers-reduced-motion", "reduce"))
	types(ctx, t, "111111")
	state(ctx, t, "refused")
	browsertest.Expect(ctx, t, `String(`+widgetJS+`.shadowRoot.getAnimations().length)`, "0")
}

func TestEverythingIsReachedByKeyboard(t *testing.T) {
	t.Parallel()
	_, ctx := open(t, element("manual"), nil)
	run(ctx, t, `document.activeElement.blur()`)
	var order []string
	for range 3 {
		browsertest.Do(ctx, t, cdp.KeyEvent(kb.Tab))
		name, err := cdp.Run(ctx, cdp.Evaluate[string](shadow+`activeElement.part.value`))
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, name)
	}
	if got := order[0] + " " + order[1] + " " + order[2]; got != "input submit resend" {
		t.Error(got)
	}
}

func TestAPageGivesItItsOwnLooks(t *testing.T) {
	t.Parallel()
	_, ctx := open(t, element(""), nil)
	run(ctx, t, `const s = new CSSStyleSheet(); s.replaceSync("otpipe-code { --accent: rgb(1, 2, 3); --otpipe-accent: var(--accent); --otpipe-size: 60px } otpipe-code::part(box) { border-style: dashed } otpipe-code:state(refused)::part(label) { color: rgb(4, 5, 6) }"); document.adoptedStyleSheets = [s]`)
	look := func(part, property string) string {
		return `getComputedStyle(` + shadow + `querySelector("[part~=` + part + `]")).` + property
	}
	browsertest.Expect(ctx, t, look("submit", "backgroundColor")+`+`+look("box", "width")+`+`+look("box", "borderTopStyle"), "rgb(1, 2, 3)60pxdashed")
	types(ctx, t, "111111")
	state(ctx, t, "refused")
	browsertest.Expect(ctx, t, look("label", "color"), "rgb(4, 5, 6)")
}
