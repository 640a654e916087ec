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

func TestTheReferenceIsForEverybody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	browsertest.Do(ctx, t, cdp.Navigate(r.server.URL+"/docs"))
	browsertest.Axe(ctx, t)
	quiet()
}
