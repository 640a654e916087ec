package supportui_test

import (
	"context"
	"strings"
	"testing"
	"time"

	cdp "github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/otpipe/otpipe/internal/browsertest"
	"github.com/otpipe/otpipe/internal/otp"
)

// headline is the sentence on a verification's page.
const headline = `document.querySelector("#what").textContent`

// until waits for a page to say something.
func until(ctx context.Context, t *testing.T, expression string) {
	t.Helper()
	if _, err := cdp.Run(ctx, cdp.Poll[bool](expression, cdp.WithPollingTimeout(time.Minute))); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
}

func TestAPersonSeesALifeGoOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	browsertest.Do(ctx, t, cdp.Navigate(r.server.URL+path(o)))
	until(ctx, t, headline+`.startsWith("Asked for a moment ago")`)
	r.accept(o)
	until(ctx, t, headline+`.startsWith("Taken by twilio")`)
	r.receive(o, otp.Delivered, "")
	until(ctx, t, headline+`.startsWith("Delivered")`)
	r.lock()
	until(ctx, t, headline+`.startsWith("Locked after 5 wrong codes")`)
	until(ctx, t, `!!document.querySelector("a[href$='/unlock']")`)
	until(ctx, t, `!document.querySelector(".verdict .top").textContent.includes("updates")`)
	quiet()
}

func TestEverythingIsReachedByKeyboard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	r.fail(o)
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	browsertest.Do(ctx, t, cdp.Navigate(r.server.URL+"/"), cdp.WaitReady("#q"))
	browsertest.Expect(ctx, t, `document.activeElement.id`, "q")
	browsertest.Do(ctx, t, cdp.KeyEvent("0151 23456789"+kb.Enter), cdp.WaitReady(".list a"))
	follow(ctx, t, `document.activeElement.closest(".list")`)
	browsertest.Do(ctx, t, cdp.WaitReady("#what"))
	until(ctx, t, headline+`.startsWith("twilio refused it")`)
	follow(ctx, t, `document.activeElement.textContent.startsWith("Clear suppression")`)
	browsertest.Do(ctx, t, cdp.WaitReady("#reason"))
	browsertest.Expect(ctx, t, `document.activeElement.id`, "reason")
	browsertest.Do(ctx, t, cdp.KeyEvent("ticket 4711"+kb.Tab+kb.Enter), cdp.WaitReady(".flash"))
	browsertest.Expect(ctx, t, `document.querySelector(".flash").textContent`, "Messages may go to this address again.")
	quiet()
}

// follow tabs to a link and opens it.
func follow(ctx context.Context, t *testing.T, focused string) {
	t.Helper()
	for range 30 {
		browsertest.Do(ctx, t, cdp.KeyEvent(kb.Tab))
		there, err := cdp.Run(ctx, cdp.Evaluate[bool](`!!(`+focused+`)`))
		if err != nil {
			t.Fatal(err)
		}
		if there {
			browsertest.Do(ctx, t, cdp.KeyEvent(kb.Enter))
			return
		}
	}
	t.Fatalf("%s: not reached by the tab key", focused)
}

// everyPage is one of each kind, with all that may stand on it.
func (r *rig) everyPage() []string {
	r.t.Helper()
	failed := r.start(asked{to: "+447400123456", others: true})
	r.fail(failed)
	locked := r.start(asked{})
	r.accept(locked)
	r.lock()
	recipient := r.search(phone).header.Get("Location")
	all := []string{"/", "/?q=nobody", path(failed), path(locked), recipient, "/nowhere"}
	for _, act := range []string{"send", "divert", "cancel", "unlock", "unsuppress", "reveal"} {
		all = append(all, path(failed)+"/"+act)
	}
	return all
}

func TestNoPageShutsAnybodyOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all := r.everyPage()
	ctx := browsertest.Open(t)
	for _, width := range []int64{1200, 360} {
		browsertest.Do(ctx, t, cdp.EmulateViewport(width, 740))
		for _, at := range all {
			browsertest.Do(ctx, t, cdp.Navigate(r.server.URL+at), cdp.WaitReady("main"))
			browsertest.Axe(ctx, t)
		}
	}
}

func TestThePagesFitAPhone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all := r.everyPage()
	ctx := browsertest.Open(t)
	browsertest.Do(ctx, t, cdp.EmulateViewport(360, 740))
	for _, at := range all {
		browsertest.Do(ctx, t, cdp.Navigate(r.server.URL+at))
		wide, err := cdp.Run(ctx, cdp.Evaluate[string](`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).clipPath === "none" && !e.classList.contains("skip")).map(e => e.tagName + "." + e.className).join(" ")`))
		if err != nil {
			t.Fatal(err)
		}
		if wide != "" {
			t.Errorf("%s: wider than the screen: %s", at, wide)
		}
	}
}

func TestASummaryIsCopied(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	r.must(r.store.Cancel(t.Context(), o.ID))
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	browsertest.Do(ctx, t, cdp.Navigate(r.server.URL+path(o)))
	until(ctx, t, `(navigator.clipboard.writeText = async (text) => { window.copied = text; }, true)`)
	browsertest.Do(ctx, t, cdp.Click("a.copy"))
	until(ctx, t, `window.copied?.includes("Canceled by the product")`)
	until(ctx, t, `document.querySelector("a.copy").textContent === "Copied"`)
	quiet()
}

func TestWithoutScriptEverythingWorks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	for _, at := range []string{"/", path(o), path(o) + "/cancel"} {
		body := r.page(at)
		if strings.Contains(body, "onclick") || strings.Contains(body, "javascript:") || strings.Contains(body, "hx-get") {
			t.Errorf("%s needs a script", at)
		}
	}
	// The other tests of pages and actions ask without a browser: links and forms are all they use.
}
