package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	protocol "github.com/chromedp/cdproto/cdp"
	pages "github.com/chromedp/cdproto/page"
	cdp "github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/otpipe/otpipe/internal/browsertest"
	"github.com/otpipe/otpipe/internal/devkit"
)

// screen is what a picture is taken on.
type screen struct {
	name          string
	width, height int64
}

var screens = []screen{{"", 1200, 800}, {"-phone", 390, 844}}

// picture is a page in the documents.
type picture struct {
	name, place, path string
	top               bool // no more than fits the screen: it is long
}

// TestScreenshots takes the pictures of the documents: every page, light and
// dark, on a desktop and on a phone. It is run by make screenshots.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		t.Skip("make screenshots takes them")
	}
	d := dev(t)
	phone, ids := d.day(t)
	ctx := browsertest.OpenFor(t, 5*time.Minute)
	pictures := []picture{
		{"inbox", d.inbox, "/", true}, {"templates", d.inbox, "/templates", true}, {"demo", d.inbox, "/demo", false},
		{"reference", d.api, "/docs", true}, {"support-login", d.support, "/login", false},
	}
	shoot(ctx, t, dir, pictures)
	d.signIn(ctx, t, "admin")
	browsertest.Do(ctx, t, cdp.SendKeys("#q", phone+kb.Enter), cdp.WaitReady(".list"))
	recipient, err := cdp.Run(ctx, cdp.Evaluate[string](`location.pathname`))
	if err != nil {
		t.Fatal(err)
	}
	shoot(ctx, t, dir, []picture{
		{"support-search", d.support, "/", false}, {"support-recipient", d.support, recipient, false},
		{"support-approved", d.support, "/verifications/" + ids["approved"], false},
		{"support-undelivered", d.support, "/verifications/" + ids["undelivered"], false},
		{"support-locked", d.support, "/verifications/" + ids["locked"], false},
		{"support-act", d.support, "/verifications/" + ids["locked"] + "/unlock", false},
		{"support-reveal", d.support, "/verifications/" + ids["locked"] + "/reveal", false},
		{"support-overview", d.support, "/overview", false},
	})
}

// day has things happen that support is asked about.
func (d devMode) day(t *testing.T) (phone string, ids map[string]string) {
	t.Helper()
	const mail = "kim@example.com"
	phone, ids = "+4915123456789", map[string]string{}
	ids["approved"] = d.ask(t, phone, "delivered")
	v := visit(t, d)
	code := v.code(phone)
	d.post(t, d.api, "/v1/verifications/check", fmt.Sprintf(`{"id":%q,"code":%q}`, ids["approved"], wrongCode(code).Get("code")))
	d.post(t, d.api, "/v1/verifications/check", fmt.Sprintf(`{"id":%q,"code":%q}`, ids["approved"], code))
	ids["locked"] = d.askFor(t, "add-phone", phone, "delivered")
	code = v.code(phone)
	for range 5 {
		d.post(t, d.api, "/v1/verifications/check", fmt.Sprintf(`{"id":%q,"code":%q}`, ids["locked"], wrongCode(code).Get("code")))
	}
	d.chaos(t, "twilio", devkit.Undelivered, "1")
	ids["undelivered"] = d.askFor(t, "verify-phone", phone, "undelivered")
	ids["mail"] = d.askFor(t, "verify-email", mail, "sent")
	return phone, ids
}

func shoot(ctx context.Context, t *testing.T, dir string, pictures []picture) {
	t.Helper()
	for _, p := range pictures {
		for _, s := range screens {
			for _, scheme := range []string{"light", "dark"} {
				file := filepath.Join(dir, p.name+s.name+"-"+scheme+".webp")
				look(ctx, t, s, scheme, p, file)
			}
		}
	}
}

func look(ctx context.Context, t *testing.T, s screen, scheme string, p picture, file string) {
	t.Helper()
	browsertest.Do(ctx, t, browsertest.Media("prefers-color-scheme", scheme), cdp.EmulateViewport(s.width, s.height, cdp.EmulateScale(1.5)),
		cdp.Navigate("http://"+p.place+p.path), cdp.WaitReady("body"))
	time.Sleep(500 * time.Millisecond) // what a stream tells first
	text, err := cdp.Run(ctx, take(!p.top))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // a picture for everybody
		t.Fatal(err)
	}
}

// take takes a picture of the page, or of what the screen shows of it.
func take(whole bool) cdp.Action[[]byte] {
	return func(ctx context.Context, at *cdp.Target) ([]byte, error) {
		quality := int64(75)
		taken, err := protocol.Call(ctx, at, pages.CaptureScreenshot, pages.CaptureScreenshotParams{
			Format: pages.CaptureScreenshotFormatWebp, Quality: &quality, CaptureBeyondViewport: &whole,
		})
		return taken.Data, err
	}
}
