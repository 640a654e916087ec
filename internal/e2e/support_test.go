package e2e_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	cdp "github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/otpipe/otpipe/internal/browsertest"
	"github.com/otpipe/otpipe/internal/devkit"
)

// post sends JSON to dev mode, as a product's backend or its developer would.
// A limit is an answer too, and so is that a busy machine's Redis did not answer.
func (d devMode) post(t *testing.T, place, path, body string) (answer map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+place+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer dev")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusBadRequest && res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("%s %s: %s", path, body, res.Status)
	}
	_ = json.NewDecoder(res.Body).Decode(&answer) // some answers are empty
	return answer
}

func (d devMode) chaos(t *testing.T, vendor string, m devkit.Mode, times string) {
	t.Helper()
	d.post(t, d.inbox, "/api/chaos", `{"provider":"`+vendor+`","mode":"`+string(m)+`","times":`+times+`}`)
}

// ask asks for a code to log in with, and waits until it has come so far.
func (d devMode) ask(t *testing.T, to, status string) (id string) {
	t.Helper()
	return d.askFor(t, "phone-auth", to, status)
}

func (d devMode) askFor(t *testing.T, namespace, to, status string) (id string) {
	t.Helper()
	eventually(t, 30*time.Second, to+" may have a code", func() bool {
		id, _ = d.post(t, d.api, "/v1/verifications", `{"namespace":"`+namespace+`","to":"`+to+`"}`)["id"].(string)
		return id != ""
	})
	eventually(t, 30*time.Second, to+" is "+status, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.api+"/v1/verifications/"+id, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer dev")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer func() { _ = res.Body.Close() }()
		var v struct{ Delivery struct{ Status string } }
		_ = json.NewDecoder(res.Body).Decode(&v)
		return v.Delivery.Status == status
	})
	return id
}

// signIn fills in the form of the support pages.
func (d devMode) signIn(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	browsertest.Do(ctx, t, cdp.Navigate("http://"+d.support+"/"), cdp.WaitReady("#name"))
	browsertest.Axe(ctx, t)
	browsertest.Do(ctx, t, cdp.SendKeys("#name", name), cdp.SendKeys("#password", "dev-password"+kb.Enter), cdp.WaitReady("#q"))
}

// A new support person signs in, types what the caller says, and opens the line
// that says failed: after three actions the cause is on the screen.
func TestTheCauseOfAFailureIsThreeActionsAway(t *testing.T) {
	t.Parallel()
	d := dev(t)
	d.chaos(t, "twilio", devkit.Undelivered, "1")
	d.ask(t, "+4915123456789", "undelivered")
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	d.signIn(ctx, t, "viewer")                                                                       // 1
	browsertest.Do(ctx, t, cdp.SendKeys("#q", "0151 / 234 567-89"+kb.Enter), cdp.WaitReady(".list")) // 2
	browsertest.Do(ctx, t, cdp.Click(".list a"), cdp.WaitReady("#what"))                             // 3
	got, err := cdp.Run(ctx, cdp.Evaluate[string](`document.querySelector("main").innerText`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"+49•••••••••89", "not deliver", "is switched off"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q:\n%s", want, got)
		}
	}
	t.Log(got)
	quiet()
}
