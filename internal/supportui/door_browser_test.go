package supportui_test

import (
	"context"
	"testing"

	protocol "github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdp "github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/otpipe/otpipe/internal/browsertest"
)

// noScripts has a browser run none, as some people's do.
func noScripts(ctx context.Context, at *cdp.Target) error {
	_, err := protocol.Call(ctx, at, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return err
}

// flash is the one sentence on top of the login.
const flash = `document.querySelector(".flash").textContent.trim()`

func TestAPersonSignsInByPasswordWithoutScripts(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	ctx := browsertest.Open(t)
	browsertest.Do(ctx, t, cdp.Func(noScripts), cdp.Navigate(w.url+"/verifications/VE1"), cdp.WaitReady("#name"))
	browsertest.Expect(ctx, t, `document.activeElement.id`, "name")
	browsertest.Do(ctx, t, cdp.KeyEvent("ada"+kb.Tab+"wrong horse"+kb.Enter), cdp.WaitReady(".flash"))
	browsertest.Expect(ctx, t, flash, "That is not the right name and password.")
	browsertest.Expect(ctx, t, `document.querySelector("#name").value + "/" + document.querySelector("#password").value`, "ada/")
	browsertest.Expect(ctx, t, `document.activeElement.id`, "password")
	browsertest.Do(ctx, t, cdp.KeyEvent(adasPassword+kb.Enter), cdp.WaitReady("form.who"))
	browsertest.Expect(ctx, t, `location.pathname`, "/verifications/VE1")
	browsertest.Expect(ctx, t, `document.querySelector("form.who span").textContent`, "ada operator")
	browsertest.Expect(ctx, t, `document.cookie`, "")
	browsertest.Do(ctx, t, cdp.Click("form.who button"), cdp.WaitReady(".flash"))
	browsertest.Expect(ctx, t, flash, "You are signed out.")
	browsertest.Do(ctx, t, cdp.Navigate(w.url+"/"), cdp.WaitReady("#name"))
}

func TestABrowserGoesByTheProviderAndBack(t *testing.T) {
	t.Parallel()
	w := openDoor(t, nil)
	ctx := browsertest.Open(t)
	browsertest.Do(ctx, t, cdp.Navigate(w.url+"/"), cdp.WaitReady("a[href^='/login/oidc']"))
	browsertest.Axe(ctx, t)
	browsertest.Do(ctx, t, cdp.Click("a[href^='/login/oidc']"), cdp.WaitReady("form.who"))
	browsertest.Expect(ctx, t, `document.querySelector("form.who span").textContent`, "kim@example.com viewer")
	browsertest.Expect(ctx, t, `location.pathname`, "/")
	browsertest.Expect(ctx, t, `document.cookie`, "")
	browsertest.Do(ctx, t, cdp.Click("form.who button"), cdp.WaitReady(".flash"))
	browsertest.Expect(ctx, t, flash, "You are signed out. Sign out of the identity provider too")
	browsertest.Do(ctx, t, cdp.SendKeys("#name", "ada"), cdp.SendKeys("#password", "wrong horse"+kb.Enter), cdp.WaitReady(".flash.bad"))
	browsertest.Axe(ctx, t)
}
