package supportui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestStoredTextCannotBreakOutOfThePage(t *testing.T) {
	t.Parallel()
	const evil = `"'><script>alert(1)</script><img/src=x/onerror=alert(1)>`
	r := newRig(t)
	o := r.start(asked{})
	r.handOver(o, "twilio", otp.Outcome{State: otp.Accepted, Ref: evil})
	_, err := r.store.Receive(t.Context(), otp.Receipt{Order: o, Attempt: 1, Provider: "twilio", Ref: evil, State: otp.Undelivered, Class: otp.FaultRecipient, Reason: evil})
	r.must(err)
	r.must(r.store.CancelFor(t.Context(), o.ID, otp.Act{Actor: evil, Reason: evil}))
	for _, at := range []string{path(o), path(o) + "/live", path(o) + "?did=" + url.QueryEscape(evil), r.search(phone).header.Get("Location"), path(o) + "/reveal", "/" + url.PathEscape(evil)} {
		if body := r.get(at).body; strings.Contains(body, "<script>alert") || strings.Contains(body, "<img/src") || strings.Contains(body, "x/onerror=alert(1)>\"") {
			t.Errorf("%s: it does", at)
		}
	}
	if a := r.get(path(o) + "/summary.txt"); a.header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Errorf("the summary may be taken for a page: %v", a.header)
	}
}

func TestForgedPostsFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	for _, what := range []string{path(o) + "/cancel", path(o) + "/send", path(o) + "/reveal", "/search"} {
		for _, h := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}},
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.server.URL+what, strings.NewReader(ticket.Encode()))
			r.must(err)
			req.Header = h.Clone()
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			res, err := http.DefaultClient.Do(req)
			r.must(err)
			res.Body.Close()
			if res.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %v: %d", what, h, res.StatusCode)
			}
		}
	}
	if got := r.events(o); len(got) > 0 {
		t.Errorf("done all the same: %q", got)
	}
}

func TestEveryAnswerKeepsTheBrowserSafe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	for _, at := range []string{"/", path(o), path(o) + "/send", path(o) + "/summary.txt", "/nowhere", "/static/nothing"} {
		h := r.get(at).header
		csp := h.Get("Content-Security-Policy")
		const want = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
		if csp != want {
			t.Errorf("%s: policy %q", at, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", at, h)
		}
	}
}

func TestPagesHoldNoCodeAndNoAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{others: true})
	r.accept(o)
	r.guess("111111")
	at := r.search(phone).header.Get("Location")
	for _, who := range []otp.Staff{viewer, operator, admin} {
		r.enter(who)
		for _, page := range []string{at, path(o), path(o) + "/live", path(o) + "/summary.txt", path(o) + "/send", path(o) + "/reveal"} {
			a := r.peek(page)
			if a.body == "" && a.status == http.StatusOK {
				t.Errorf("%s: empty", page)
			}
			for _, secret := range []string{code, "111111", phone[3:], "kim@", "example.com"} {
				if strings.Contains(a.body, secret) {
					t.Errorf("%s shows %s to a %s", page, secret, who.Role)
				}
			}
		}
	}
	for _, secret := range []string{code, phone[3:], "kim@"} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
	}
}

func TestPagesAreLight(t *testing.T) {
	t.Parallel()
	const most = 100 << 10 // bytes, with all that a page draws in, uncompressed
	r := newRig(t)
	o := r.start(asked{})
	for range 4 {
		r.pass(time.Minute)
		r.start(asked{})
	}
	for _, at := range []string{"/", "/overview", path(o), r.search(phone).header.Get("Location")} {
		page := r.page(at)
		weight := len(page)
		for _, part := range strings.Split(page, `"/static/`)[1:] {
			name, _, _ := strings.Cut(part, `"`)
			weight += len(r.page("/static/" + name))
		}
		if weight > most || weight < 10_000 {
			t.Errorf("%s: %d bytes", at, weight)
		}
	}
}

func TestWithoutAStoreThePageSaysSo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	at := r.search(phone).header.Get("Location")
	r.must(r.rdb.Close())
	for _, page := range []string{path(o), at} {
		if a := r.get(page); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "Redis does not answer") {
			t.Errorf("%s: %d", page, a.status)
		}
	}
	if a := r.post(path(o)+"/cancel", ticket); a.status != http.StatusServiceUnavailable {
		t.Errorf("cancel: %d", a.status)
	}
}

func TestTooLongAFormIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	a := r.post(path(o)+"/cancel", url.Values{"reason": {"x"}, "more": {strings.Repeat("x", 1<<20)}})
	if a.status < 400 || a.status >= 500 {
		t.Errorf("%d", a.status)
	}
}
