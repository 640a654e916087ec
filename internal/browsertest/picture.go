package browsertest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	protocol "github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	cdp "github.com/chromedp/chromedp"
)

// screens are what pictures are taken on: their names' ends, and their sizes.
var screens = []struct {
	name          string
	width, height int64
}{{"", 1200, 800}, {"-phone", 390, 844}}

// quality of a picture, of 100: text stays sharp.
const quality = 75

// Pictures takes pictures of a page into a directory: light and dark, on a
// desktop and on a phone; whole, or as much of it as fits the screen.
func Pictures(ctx context.Context, t *testing.T, dir, name, url string, whole bool) {
	t.Helper()
	for _, s := range screens {
		for _, scheme := range []string{"light", "dark"} {
			Do(ctx, t, Media("prefers-color-scheme", scheme), cdp.EmulateViewport(s.width, s.height, cdp.EmulateScale(1.5)), cdp.Navigate(url), cdp.WaitReady("body"))
			time.Sleep(500 * time.Millisecond) // what a stream tells first
			text, err := cdp.Run(ctx, picture(whole))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name+s.name+"-"+scheme+".webp"), text, 0o644); err != nil { //nolint:gosec // a picture for everybody
				t.Fatal(err)
			}
		}
	}
}

func picture(whole bool) cdp.Action[[]byte] {
	return func(ctx context.Context, at *cdp.Target) ([]byte, error) {
		q := int64(quality)
		taken, err := protocol.Call(ctx, at, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Format: page.CaptureScreenshotFormatWebp, Quality: &q, CaptureBeyondViewport: &whole,
		})
		return taken.Data, err
	}
}
