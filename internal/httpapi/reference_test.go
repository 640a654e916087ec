package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	cdp "github.com/chromedp/chromedp"

	"github.com/otpipe/otpipe/internal/browsertest"
)

func TestTheReferenceShowsEveryOperationAndRunsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.server.URL+"/docs", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s, %v", res.StatusCode, res.Header.Get("Content-Type"), err)
	}
	page := string(text)
	if csp := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "script-src") {
		t.Errorf("Content-Security-Policy: %s", csp)
	}
	for name, op := range operationDocs(t, r) {
		_, path, _ := strings.Cut(name, " ")
		for _, part := range []string{`<section id="` + op.OperationID + `"`, "</b> " + path + "</p>"} {
			if !strings.Contains(page, part) {
				t.Errorf("%s: no %s", name, part)
			}
		}
	}
	for _, field := range []string{"session.token", "timeline[].state", "items[].delivery.status", "already_finished"} {
		if !strings.Contains(page, "<code>"+field+"</code>") {
			t.Errorf("%s is not there", field)
		}
	}
}

func TestTheTypeOfEachProblemLeadsToWhatItMeans(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := browsertest.Open(t)
	for code, doc := range problemDocs(t, r) {
		at := r.server.URL + "/docs#" + doc.Value["type"].(string)
		browsertest.Do(ctx, t, cdp.Navigate(at))
		browsertest.Expect(ctx, t, `document.querySelector(":target h3 code").textContent`, code)
		text, err := cdp.Run(ctx, cdp.Evaluate[string](`document.querySelector(":target").textContent`))
		if err != nil {
			t.Fatal(err)
		}
		for _, said := range []string{doc.Summary, doc.Description} {
			if !strings.Contains(text, strings.ReplaceAll(said, "`", "")) {
				t.Errorf("%s: not there: %s", code, said)
			}
		}
	}
}

func TestEveryFieldAndOperationIsExplained(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	doc := r.do(request{method: http.MethodGet, path: "/openapi.json", key: noKey}).ok()
	for name, schema := range doc.body["components"].(map[string]any)["schemas"].(map[string]any) {
		properties, _ := schema.(map[string]any)["properties"].(map[string]any)
		for field, p := range properties {
			if text, _ := p.(map[string]any)["description"].(string); text == "" {
				t.Errorf("%s.%s: nobody says what it is", name, field)
			}
		}
	}
	for path, item := range doc.body["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			if text, _ := op.(map[string]any)["description"].(string); text == "" {
				t.Errorf("%s %s: nobody says what it does", method, path)
			}
		}
	}
}

func TestTheReferenceIsForEverybody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	for _, width := range []int64{1200, 360} {
		browsertest.Do(ctx, t, cdp.EmulateViewport(width, 740), cdp.Navigate(r.server.URL+"/docs"))
		browsertest.Axe(ctx, t)
		browsertest.Expect(ctx, t, `String(document.documentElement.scrollWidth > innerWidth)`, "false")
	}
	quiet()
}
