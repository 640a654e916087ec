package e2e_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	cdp "github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/otpipe/otpipe/internal/browsertest"
	"github.com/otpipe/otpipe/internal/devkit"
)

// TestScreenshots takes the pictures of the documents, of every page that dev
// mode has. It is run by make screenshots.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		t.Skip("make screenshots takes them")
	}
	d := dev(t)
	phone, ids := d.day(t)
	ctx := browsertest.OpenFor(t, 5*time.Minute)
	for name, at := range map[string]string{
		"inbox": d.inbox + "/", "templates": d.inbox + "/templates", "demo": d.inbox + "/demo", "reference": d.api + "/docs", "support-login": d.support + "/login",
	} {
		browsertest.Pictures(ctx, t, dir, name, "http://"+at, false)
	}
	browsertest.Do(ctx, t, cdp.Navigate("http://"+d.inbox+"/demo"), cdp.SendKeys("#to", "+447400123456"+kb.Enter), cdp.WaitReady("otpipe-code"))
	browsertest.Pictures(ctx, t, dir, "demo-code", "http://"+d.inbox+"/demo", false)
	d.signIn(ctx, t, "admin")
	browsertest.Do(ctx, t, cdp.SendKeys("#q", phone+kb.Enter), cdp.WaitReady(".list"))
	recipient, err := cdp.Run(ctx, cdp.Evaluate[string](`location.pathname`))
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]string{
		"search": "/", "recipient": recipient, "approved": "/verifications/" + ids["approved"], "undelivered": "/verifications/" + ids["undelivered"],
		"locked": "/verifications/" + ids["locked"], "act": "/verifications/" + ids["locked"] + "/unlock", "reveal": "/verifications/" + ids["locked"] + "/reveal",
	} {
		browsertest.Pictures(ctx, t, dir, "support-"+name, "http://"+d.support+at, true)
	}
}

// day has things happen that support is asked about.
func (d devMode) day(t *testing.T) (phone string, ids map[string]string) {
	t.Helper()
	phone, ids = "+4915123456789", map[string]string{}
	ids["approved"] = d.ask(t, phone, "delivered")
	v := visit(t, d)
	code := v.code(phone)
	d.check(t, ids["approved"], wrongCode(code).Get("code"))
	d.check(t, ids["approved"], code)
	ids["locked"] = d.askFor(t, "add-phone", phone, "delivered")
	code = v.code(phone)
	for range 5 {
		d.check(t, ids["locked"], wrongCode(code).Get("code"))
	}
	d.chaos(t, "twilio", devkit.Undelivered, "1")
	ids["undelivered"] = d.askFor(t, "verify-phone", phone, "undelivered")
	d.askFor(t, "verify-email", "kim@example.com", "sent")
	return phone, ids
}

func (d devMode) check(t *testing.T, id, code string) {
	t.Helper()
	d.post(t, d.api, "/v1/verifications/check", fmt.Sprintf(`{"id":%q,"code":%q}`, id, code))
}
