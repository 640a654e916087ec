package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	cdp "github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/otpipe/otpipe/internal/browsertest"
)

// field is the widget's.
const field = `document.querySelector("otpipe-code").shadowRoot.querySelector("input")`

// theExample builds the program of docs/widget.md and starts it against dev mode.
func theExample(t *testing.T, at devMode) (url string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/widget.md")
	if err != nil {
		t.Fatal(err)
	}
	source := ""
	for _, b := range block.FindAllStringSubmatch(string(page), -1) {
		if b[1] == "go" {
			source = b[2]
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", "login", "main.go")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return startProgram(t, filepath.Join(dir, "login"), append(os.Environ(), "OTPIPE_URL=http://"+at.api)...)
}

func TestTheWidgetsExampleSignsAPersonIn(t *testing.T) {
	t.Parallel()
	at := dev(t)
	url := theExample(t, at)
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	const phone = "+4915123456789"
	browsertest.Do(ctx, t, cdp.Navigate(url), cdp.SendKeys("#phone", phone+kb.Enter), cdp.WaitReady("otpipe-code"))
	if _, err := cdp.Run(ctx, cdp.Poll[bool](`!!document.querySelector("otpipe-code").shadowRoot`)); err != nil { // its script has run
		t.Fatal(err)
	}
	code := visit(t, at).code(phone)
	says := func(part, want string) {
		t.Helper()
		if _, err := cdp.Run(ctx, cdp.Poll[bool](`document.querySelector("otpipe-code").shadowRoot.querySelector("`+part+`").textContent.startsWith("`+want+`")`, cdp.WithPollingTimeout(time.Minute))); err != nil {
			t.Fatalf("%s does not say %q: %v", part, want, err)
		}
	}
	says(".resend", "Send a new code in ")
	browsertest.Axe(ctx, t)
	if _, err := cdp.Run(ctx, cdp.Poll[bool](`document.querySelector("otpipe-code").shadowRoot.activeElement === `+field)); err != nil {
		t.Fatal(err)
	}
	browsertest.Do(ctx, t, cdp.KeyEvent(wrongCode(code).Get("code")))
	says("[role=alert]", "That code is not right.")
	browsertest.Do(ctx, t, cdp.KeyEvent(code), cdp.WaitNotPresent("otpipe-code"))
	browsertest.Expect(ctx, t, `document.querySelector("h1").textContent`, "Welcome, "+phone)
	quiet()
}
