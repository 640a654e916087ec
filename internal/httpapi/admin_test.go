package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/httpapi"
)

// page fetches a page of the admin listener.
func page(t *testing.T, url string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
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
	return res.StatusCode, string(body), res.Header
}

func TestAProcessIsAliveWhateverItsStoreDoesAndReadyWhenItIs(t *testing.T) {
	t.Parallel()
	var failing error
	s := serve(t, httpapi.Admin(func(context.Context) error { return failing }, http.NotFoundHandler()))
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{{nil, 200, "ok\n"}, {errors.New("the store does not answer"), 503, "the store does not answer\n"}, {nil, 200, "ok\n"}} {
		failing = c.err
		if status, text, header := page(t, s.URL+"/readyz"); status != c.status || text != c.text || header.Get("Cache-Control") != "no-store" {
			t.Errorf("readyz: %d %q %v", status, text, header)
		}
		if status, text, _ := page(t, s.URL+"/livez"); status != 200 || text != "ok\n" {
			t.Errorf("livez: %d %q", status, text)
		}
	}
	if status, _, _ := page(t, s.URL+"/v1/verifications"); status != 404 {
		t.Errorf("the API is on the admin listener: %d", status)
	}
}

func TestAReadinessCheckThatHangsIsCutOff(t *testing.T) {
	t.Parallel()
	s := serve(t, httpapi.Admin(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, http.NotFoundHandler()))
	began := time.Now()
	if status, _, _ := page(t, s.URL+"/readyz"); status != 503 || time.Since(began) > 3*time.Second {
		t.Errorf("%d after %s", status, time.Since(began))
	}
}

// series are the names and labels of otpipe's own metrics, without their values.
func series(text string) (all []string) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if name, _, ok := strings.Cut(lines.Text(), " "); ok && strings.HasPrefix(name, "otpipe_") {
			all = append(all, name)
		}
	}
	return all
}

func TestTrafficAddsNoSeriesAndNamesNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := serve(t, httpapi.Admin(func(context.Context) error { return nil }, r.metrics.Handler()))
	_, before, _ := page(t, s.URL+"/metrics")
	id, code := r.started(toPhone)
	r.start(toPhone)
	for range 5 {
		r.check(toPhone.with(fields{"code": wrong(code)}))
	}
	r.check(toPhone.with(fields{"code": code}))
	r.pass(time.Minute)
	r.start(toPhone)
	mail, other := r.started(toMail)
	r.check(fields{"id": mail, "code": other})
	r.check(fields{"id": mail, "code": other})
	r.check(fields{"id": someID, "code": other})
	r.cancel(mail)
	r.start(toPhone.with(fields{"namespace": "no-such"}))
	r.start(toPhone.with(fields{"namespace": canaryMail}))
	_, after, _ := page(t, s.URL+"/metrics")
	if !slices.Equal(series(before), series(after)) {
		t.Errorf("series before\n%s\nand after\n%s", before, after)
	}
	for _, want := range []string{
		`otpipe_starts_total{namespace="phone-auth",outcome="admitted"} 1`,
		`otpipe_starts_total{namespace="phone-auth",outcome="cooldown"} 1`,
		`otpipe_starts_total{namespace="phone-auth",outcome="lock"} 1`,
		`otpipe_starts_total{namespace="verify-email",outcome="admitted"} 1`,
		`otpipe_checks_total{namespace="phone-auth",outcome="code_mismatch"} 5`,
		`otpipe_checks_total{namespace="phone-auth",outcome="lock"} 1`,
		`otpipe_checks_total{namespace="verify-email",outcome="approved"} 1`,
		`otpipe_checks_total{namespace="verify-email",outcome="already_used"} 1`,
	} {
		if !strings.Contains(after, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	for _, secret := range append(r.hidden(), id, mail, "canary", "example.com", "no-such") {
		if strings.Contains(after, secret) {
			t.Errorf("the metrics tell %s", secret)
		}
	}
}
