package browsertest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	cdp "github.com/chromedp/chromedp"

	"github.com/otpipe/otpipe/internal/browsertest"
)

// serve serves a page whose policy lets nothing run.
func serve(t *testing.T, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>` + body + `</main>`))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestWhatShutsSomebodyOutIsFound(t *testing.T) {
	t.Parallel()
	ctx := browsertest.Open(t)
	for rule, body := range map[string]string{
		"label":          `<input>`,
		"image-alt":      `<img src="data:,">`,
		"color-contrast": `<style>@media (prefers-color-scheme: dark) { p { color: #ddd } }</style><p>Hardly there</p>`,
	} {
		browsertest.Do(ctx, t, browsertest.Media("prefers-color-scheme", "dark"), cdp.Navigate(serve(t, body)))
		found, err := browsertest.Findings(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 1 || found[0].Rule != rule || found[0].At == "" || found[0].Help == "" {
			t.Errorf("%s: found %v", rule, found)
		}
	}
}

func TestAPageForEverybodyHasNoFindings(t *testing.T) {
	t.Parallel()
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	browsertest.Do(ctx, t, cdp.Navigate(serve(t, `<label>Code <input></label>`)))
	browsertest.Axe(ctx, t)
	quiet()
}

func TestAxeIsAsItCame(t *testing.T) {
	t.Parallel()
	note, err := os.ReadFile("VENDOR.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(text); !strings.Contains(string(note), hex.EncodeToString(sum[:])) {
		t.Errorf("axe.min.js is not what VENDOR.md says: %x", sum)
	}
}
