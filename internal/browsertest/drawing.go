package browsertest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	protocol "github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	cdp "github.com/chromedp/chromedp"
)

// Drawing is an SVG document as the browser draws it on a square of so many pixels,
// as a PNG.
func Drawing(t *testing.T, svg string, size int64) []byte {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = w.Write([]byte(svg))
	}))
	t.Cleanup(s.Close)
	ctx := Open(t)
	Do(ctx, t, cdp.EmulateViewport(size, size), cdp.Navigate(s.URL))
	png, err := cdp.Run(ctx, cdp.Action[[]byte](func(ctx context.Context, at *cdp.Target) ([]byte, error) {
		taken, err := protocol.Call(ctx, at, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng})
		return taken.Data, err
	}))
	if err != nil {
		t.Fatal(err)
	}
	return png
}
