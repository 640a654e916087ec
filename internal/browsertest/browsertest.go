// Package browsertest opens a real Chromium for a test. It is imported by tests
// alone.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	cdp "github.com/chromedp/chromedp"
)

// patience is how long one test may use its browser, on a machine that others use too.
const patience = 2 * time.Minute

// Open opens a browser with an empty profile. Where there is none the test is
// skipped, except in CI.
func Open(t *testing.T) context.Context {
	t.Helper()
	return OpenFor(t, patience)
}

// OpenFor is Open for a test that needs the browser for longer or shorter.
func OpenFor(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no browser: %v", err)
		}
		t.Skipf("no browser: %v (make deps installs chromium)", err)
	}
	flags := append(cdp.DefaultExecAllocatorOptions[:], cdp.ExecPath("chromium"), cdp.NoSandbox, cdp.DisableGPU,
		cdp.Flag("disable-quic", true), cdp.Flag("disable-component-update", true), cdp.Flag("disable-background-networking", true), cdp.UserDataDir(t.TempDir()))
	ctx, stop := cdp.NewExecAllocator(t.Context(), flags...)
	t.Cleanup(stop)
	ctx, stop = cdp.NewContext(ctx)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, limit)
	t.Cleanup(stop)
	Do(ctx, t, cdp.EmulateViewport(1000, 700))
	return ctx
}

// Do does things in the browser, one after the other.
func Do(ctx context.Context, t *testing.T, actions ...cdp.Action[cdp.Void]) {
	t.Helper()
	if err := cdp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// Expect fails the test unless an expression has this value in the page.
func Expect(ctx context.Context, t *testing.T, expression, want string) {
	t.Helper()
	got, err := cdp.Run(ctx, cdp.Evaluate[string](expression))
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("%s: got %q, want %q", expression, got, want)
	}
}

// Quiet returns a function that closes the page and fails the test if the page
// has complained to its console since.
func Quiet(ctx context.Context, t *testing.T) func() {
	t.Helper()
	complaints := cdp.Console(ctx)
	return func() {
		t.Helper()
		if err := cdp.Cancel(ctx); err != nil {
			t.Fatal(err)
		}
		for m, err := range complaints {
			if err != nil {
				break
			}
			t.Errorf("console: %+v", m)
		}
	}
}
