package e2e_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdp "github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/otpipe/otpipe/internal/browsertest"
)

const examples = "../../examples/"

// env is what the examples read of dev mode.
func (d devMode) env() []string {
	return append(os.Environ(), "OTPIPE_URL=http://"+d.api, "OTPIPE_KEY=dev", "OTPIPE_INBOX=http://"+d.inbox)
}

func TestTheCurlExampleSignsIn(t *testing.T) {
	t.Parallel()
	d := dev(t)
	cmd := exec.CommandContext(t.Context(), "sh", examples+"curl.sh", "+4915123456789")
	cmd.Env = d.env()
	said, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(said), `"valid":true`) || !strings.Contains(string(said), `"active":true`) {
		t.Fatalf("%v\n%s", err, said)
	}
	again := exec.CommandContext(t.Context(), "sh", examples+"curl.sh", "nobody")
	again.Env = d.env()
	if said, err := again.CombinedOutput(); err == nil || !strings.Contains(string(said), "invalid_recipient") {
		t.Errorf("what is refused does not end it: %s", said)
	}
}

func TestTheNodeExampleSignsIn(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v (make deps installs nodejs)", err)
	}
	d := dev(t)
	const phone = "+4915123456789"
	cmd := exec.CommandContext(t.Context(), "node", examples+"node/login.mjs", phone)
	cmd.Env = d.env()
	typed, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	code := visit(t, d).code(phone)
	_, _ = io.WriteString(typed, wrongCode(code).Get("code")+"\n"+code+"\n")
	if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), "4 tries left") || !strings.Contains(said.String(), "signed in") {
		t.Fatalf("%v\n%s", err, said.String())
	}
}

func TestTheGoExampleIsALoginOfUnder120Lines(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(examples + "login-go/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n >= 120 {
		t.Errorf("it has %d lines", n)
	}
	d := dev(t)
	site := startExample(t, d)
	const phone = "+4915123456789"
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	browsertest.Do(ctx, t, cdp.Navigate(site), cdp.SendKeys("[name=phone]", "12"+kb.Enter), cdp.WaitReady("[role=alert]"))
	browsertest.Expect(ctx, t, `document.querySelector("[role=alert]").textContent`, "Write the number with its country, such as +49 1512 3456789.")
	browsertest.Do(ctx, t, cdp.SendKeys("[name=phone]", phone+kb.Enter), cdp.WaitReady("[name=code]"))
	browsertest.Expect(ctx, t, `document.querySelector("[name=code]").autocomplete`, "one-time-code")
	code := visit(t, d).code(phone)
	browsertest.Do(ctx, t, cdp.SendKeys("[name=code]", wrongCode(code).Get("code")+kb.Enter), cdp.WaitReady("[role=alert]"))
	browsertest.Expect(ctx, t, `document.querySelector("[role=alert]").textContent`, "That is not the code, or it is too old.")
	browsertest.Axe(ctx, t)
	browsertest.Do(ctx, t, cdp.SendKeys("[name=code]", code+kb.Enter), cdp.WaitReady("form[action='/out']:only-of-type"))
	browsertest.Expect(ctx, t, `document.querySelector("h1").textContent`, "Signed in as +49•••••••••89")
	quiet()
}

// startExample builds and starts the Go example, and returns where it is.
func startExample(t *testing.T, d devMode) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "login")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, examples+"login-go").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return startProgram(t, bin, d.env()...)
}

// startProgram starts an example's program until the test ends and returns where
// it answers.
func startProgram(t *testing.T, bin string, env ...string) (url string) {
	t.Helper()
	at := port(t)
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, bin)
	cmd.Env = append(env, "LISTEN="+at)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = cmd.Wait() })
	eventually(t, 20*time.Second, "the example answers", func() bool { return asked(t, "http://"+at) != 0 })
	return "http://" + at
}
