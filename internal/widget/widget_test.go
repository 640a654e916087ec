package widget_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/widget"
)

func get(t *testing.T, url string, header map[string]string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func TestTheFileIsSmallAndBrowsersKeepIt(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(widget.Handler())
	defer s.Close()
	whole, text := get(t, s.URL, nil)
	packed, small := get(t, s.URL, map[string]string{"Accept-Encoding": "br, gzip"})
	if len(small) > 8<<10 || packed.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%d bytes, %s", len(small), packed.Header.Get("Content-Encoding"))
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(again, text) {
		t.Errorf("packed and whole are not the same: %v", err)
	}
	for _, res := range []*http.Response{whole, packed} {
		h := res.Header
		if h.Get("Cache-Control") != "public, max-age=3600, stale-while-revalidate=86400" || h.Get("Vary") != "Accept-Encoding" || h.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%v", h)
		}
	}
	if whole.Header.Get("ETag") == packed.Header.Get("ETag") {
		t.Error("two texts have one ETag")
	}
	again, _ := get(t, s.URL, map[string]string{"If-None-Match": whole.Header.Get("ETag")})
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("%d, want 304", again.StatusCode)
	}
}

func TestTheFileAndItsPageNameOneVersion(t *testing.T) {
	t.Parallel()
	text := read(t, "widget.js")
	page := read(t, "../../docs/widget.md")
	m := regexp.MustCompile(`const version = "([0-9.]+)"`).FindStringSubmatch(text)
	if m == nil || !strings.HasPrefix(text, "/*! <otpipe-code> "+m[1]+" ·") || !strings.Contains(page, "version "+m[1]) {
		t.Errorf("version %s", m)
	}
}

func TestTheFileNeedsNoInlineStyleAndTellsNothing(t *testing.T) {
	t.Parallel()
	text := read(t, "widget.js")
	for _, word := range []string{"console.", "localStorage", "sessionStorage", "document.cookie", "eval(", "new Function", ".style.", `"style"`, "http://", "https://"} {
		if strings.Contains(text, word) {
			t.Errorf("there is %s in it", word)
		}
	}
}

func TestTheWidgetsPageNamesAllThatThereIs(t *testing.T) {
	t.Parallel()
	text := read(t, "widget.js")
	page := read(t, "../../docs/widget.md")
	english, _, _ := strings.Cut(text[strings.Index(text, "const english"):], "};")
	for what, names := range map[string]struct{ in, find, before string }{
		"attribute": {text, `this\.(?:has|get)Attribute\("([a-z-]+)"\)`, ""},
		"event":     {text, `#emit\("([a-z]+)"`, "otpipe-"},
		"part":      {text, `part: "([a-z]+)"|(box[a-z-]*)"`, ""},
		"property":  {text, `(--otpipe-[a-z-]+)`, ""},
		"state":     {text, `#enter\("([a-z]+)"\)`, ""},
		"text":      {english, `\n    ([a-zA-Z]+):`, ""},
		"member":    {text, `\n    get ([a-z]+)\(`, ""},
	} {
		found := regexp.MustCompile(names.find).FindAllStringSubmatch(names.in, -1)
		if len(found) < 3 {
			t.Errorf("%s: only %d", what, len(found))
		}
		for _, m := range found {
			if name := names.before + strings.Join(m[1:], ""); !strings.Contains(page, "`"+name+"`") {
				t.Errorf("%s %s is not in docs/widget.md", what, name)
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
