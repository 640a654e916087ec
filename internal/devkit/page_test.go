package devkit_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	cdp "github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/browsertest"
	"github.com/otpipe/otpipe/internal/devkit"
)

func TestTheInboxListsMessagesNewestFirstInTheAgreedForm(t *testing.T) {
	p := openInbox(t)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	p.web.Inbox.Add(devkit.Message{To: "+4915123456789", Channel: "sms", Provider: "twilio", Body: "Your code is 123456", ReceivedAt: at})
	p.web.Inbox.Add(devkit.Message{To: "a@example.com", Channel: "email", Provider: "smtp", Subject: "Code", Body: "654321", HTML: "<b>654321</b>", ReceivedAt: at})

	first := `{"id":"1","to":"+4915123456789","channel":"sms","provider":"twilio","subject":"","body":"Your code is 123456","html":"","code":"123456","received_at":"2026-03-04T05:06:07Z"}`
	second := `{"id":"2","to":"a@example.com","channel":"email","provider":"smtp","subject":"Code","body":"654321","html":"<b>654321</b>","code":"654321","received_at":"2026-03-04T05:06:07Z"}`
	for query, want := range map[string]string{
		"":                     "[" + second + "," + first + "]",
		"?to=%2B4915123456789": "[" + first + "]",
		"?to=+4915123456789":   "[" + first + "]",
		"?to=a@example.com":    "[" + second + "]",
		"?to=nobody":           "[]",
	} {
		answer := p.ask(t, "GET", "/api/messages"+query, "")
		if answer.status != http.StatusOK || answer.header.Get("Content-Type") != "application/json" {
			t.Errorf("%q: got %d %s", query, answer.status, answer.header.Get("Content-Type"))
		}
		if diff := cmp.Diff(decodeJSON(t, want), decodeJSON(t, answer.body)); diff != "" {
			t.Errorf("%q: want - got +\n%s", query, diff)
		}
	}
}

func TestDeletingMessagesEmptiesTheInbox(t *testing.T) {
	p := openInbox(t)
	p.web.Inbox.Add(devkit.Message{Body: "hello"})
	if got := p.ask(t, "DELETE", "/api/messages", "").status; got != http.StatusNoContent {
		t.Errorf("got %d, want 204", got)
	}
	if got := p.web.Inbox.Messages(""); len(got) != 0 {
		t.Errorf("still there: %v", got)
	}
}

func TestAnOrderForChaosIsCarriedOutAsOftenAsItSays(t *testing.T) {
	p := openInbox(t)
	if answer := p.ask(t, "POST", "/api/chaos", `{"provider":"twilio","mode":"refuse","times":2}`); answer.status != http.StatusNoContent {
		t.Fatalf("got %d: %s", answer.status, answer.body)
	}
	var got []devkit.Mode
	for range 3 {
		got = append(got, p.web.Chaos.Next("twilio"))
	}
	if want := []devkit.Mode{devkit.Refuse, devkit.Refuse, devkit.OK}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestABadOrderForChaosIsRefusedInAClearSentence(t *testing.T) {
	const form = `want one JSON object with no fields but provider, mode and times, such as {"provider":"twilio","mode":"refuse","times":3}`
	for _, row := range []struct {
		name, body, detail string
		status             int
	}{
		{"an unknown field", `{"provider":"smtp","mode":"ok","often":2}`, form, 400},
		{"not JSON", `provider=smtp`, form, 400},
		{"nothing", ``, form, 400},
		{"more than one object", `{"provider":"smtp","mode":"ok"} {}`, form, 400},
		{"a number as text", `{"provider":"smtp","mode":"ok","times":"2"}`, form, 400},
		{"an unknown provider", `{"provider":"pigeon","mode":"ok"}`, "provider: want one of [twilio smtp]", 400},
		{"an unknown mode", `{"provider":"smtp","mode":"angry"}`, "mode: want one of [ok slow refuse reset hang undelivered]", 400},
		{"a negative number", `{"provider":"smtp","mode":"ok","times":-1}`, "times: want zero or more", 400},
		{"too large", `{"provider":"` + strings.Repeat("x", 17<<10) + `"}`, "the body is larger than 16384 bytes", 413},
	} {
		t.Run(row.name, func(t *testing.T) {
			answer := openInbox(t).ask(t, "POST", "/api/chaos", row.body)
			if answer.status != row.status || answer.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("got %d %s, want %d and a problem", answer.status, answer.header.Get("Content-Type"), row.status)
			}
			want := map[string]any{"title": http.StatusText(row.status), "status": float64(row.status), "detail": row.detail}
			if diff := cmp.Diff(want, decodeJSON(t, answer.body)); diff != "" {
				t.Errorf("want - got +\n%s", diff)
			}
		})
	}
}

func TestThePageWorksWithoutScript(t *testing.T) {
	p := openInbox(t)
	p.web.Inbox.Add(devkit.Message{To: "+4915123456789", Channel: "sms", Provider: "twilio", Body: "Your code is 123456."})
	p.web.Inbox.Add(devkit.Message{To: "a@example.com", Channel: "email", Provider: "smtp", Subject: "Hello", Body: "654321"})

	if page := p.ask(t, "GET", "/", "").body; !strings.Contains(page, `Your code is <strong class="code">123456</strong>.`) || !strings.Contains(page, `<h3 dir="auto">Hello</h3>`) {
		t.Errorf("the page does not show both messages:\n%s", page)
	}
	if page := p.ask(t, "GET", "/?to=56789", "").body; !strings.Contains(page, "123456") || strings.Contains(page, "654321") {
		t.Error("the search by the end of a number does not show that number's messages alone")
	}
	if answer := p.submit(t, "/chaos", "provider=smtp&mode=hang&times=4"); !strings.Contains(answer.body, "<b>hang</b> · 4 left") {
		t.Errorf("the page does not tell how smtp behaves: %d", answer.status)
	}
	if answer := p.submit(t, "/chaos", "provider=smtp&mode=hang&times=many"); answer.status != http.StatusBadRequest {
		t.Errorf("a wrong number of times: got %d, want 400", answer.status)
	}
	if answer := p.submit(t, "/clear", ""); !strings.Contains(answer.body, "No messages yet") || !strings.Contains(answer.body, "curl -X POST") {
		t.Errorf("the cleared inbox does not show how to fill it: %d", answer.status)
	}
}

func TestNothingInAMessageBecomesMarkupOfThePage(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	p := openInbox(t)
	p.web.Hint = evil
	empty := p.ask(t, "GET", "/?to="+"%22%3E%3Cscript%3E", "").body
	for _, channel := range []string{"sms", "email"} {
		p.web.Inbox.Add(devkit.Message{To: evil, Channel: channel, Provider: evil, Subject: evil, Body: evil + "123456" + evil, HTML: evil})
	}
	for _, page := range []string{empty, p.ask(t, "GET", "/", "").body} {
		if strings.Contains(page, "<script>") || strings.Contains(page, "<img src=x") {
			t.Errorf("a message's markup is in the page:\n%s", page)
		}
	}
}

func TestAMailsHTMLIsServedInACage(t *testing.T) {
	p := openInbox(t)
	text := p.web.Inbox.Add(devkit.Message{Channel: "sms", Body: "hello"})
	mail := p.web.Inbox.Add(devkit.Message{Channel: "email", HTML: "<b>hello</b>"})

	answer := p.ask(t, "GET", "/messages/"+mail.ID+"/html", "")
	if answer.body != "<b>hello</b>" || !strings.HasPrefix(answer.header.Get("Content-Security-Policy"), "sandbox; default-src 'none'; style-src 'unsafe-inline'") {
		t.Errorf("got %q under %q", answer.body, answer.header.Get("Content-Security-Policy"))
	}
	for _, id := range []string{text.ID, "99", "..%2f"} {
		if got := p.ask(t, "GET", "/messages/"+id+"/html", "").status; got != http.StatusNotFound {
			t.Errorf("message %s: got %d, want 404", id, got)
		}
	}
}

func TestOnlyNamesOfTheLoopbackAreAnswered(t *testing.T) {
	handler := openInbox(t).web.Handler()
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8025": 200, "LOCALHOST:8025": 200, "127.0.0.1:8025": 200, "127.0.0.1": 200, "[::1]:8025": 200, "[::1]": 200,
		"": 403, "evil.example": 403, "evil.example:8025": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example:8025": 403,
		"192.168.1.2:8025": 403, "0.0.0.0:8025": 403, "[2001:db8::1]:8025": 403, "127.0.0.1:8025:1": 403,
	} {
		for _, path := range []string{"/", "/api/messages", "/static/page.js"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			rw := httptest.NewRecorder()
			handler.ServeHTTP(rw, r)
			if rw.Code != want {
				t.Errorf("host %q, %s: got %d, want %d", host, path, rw.Code, want)
			}
		}
	}
}

func TestAnotherSitesPageCannotChangeAnything(t *testing.T) {
	p := openInbox(t)
	p.web.Inbox.Add(devkit.Message{Body: "hello"})
	for _, route := range []string{"DELETE /api/messages", "POST /api/chaos", "POST /clear", "POST /chaos"} {
		method, path, _ := strings.Cut(route, " ")
		r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(`{"provider":"smtp","mode":"hang"}`))
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		rw := httptest.NewRecorder()
		p.web.Handler().ServeHTTP(rw, r)
		if rw.Code != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403", route, rw.Code)
		}
	}
	if len(p.web.Inbox.Messages("")) != 1 || p.web.Chaos.Next("smtp") != devkit.OK {
		t.Error("it has changed something")
	}
}

func TestEveryAnswerForbidsInlineScriptAndSniffing(t *testing.T) {
	p := openInbox(t)
	for _, path := range []string{"/", "/api/messages", "/static/page.css", "/static/page.js", "/favicon.ico", "/none"} {
		answer := p.ask(t, "GET", path, "")
		policy := answer.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if answer.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed", path)
		}
	}
	if got := p.ask(t, "GET", "/favicon.ico", "").header.Get("Content-Type"); got != "image/svg+xml" {
		t.Errorf("the icon is %s", got)
	}
	if got := p.ask(t, "GET", "/static/page.html", "").status; got != http.StatusNotFound {
		t.Errorf("the template is served: %d", got)
	}
}

func TestTheStreamTellsOfMessagesAndOfChaos(t *testing.T) {
	p := openInbox(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if got := answer.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("got %s", got)
	}
	lines := bufio.NewScanner(answer.Body)
	for _, change := range []func(){
		func() {},
		func() { p.web.Inbox.Add(devkit.Message{Body: "hello"}) },
		func() { _ = p.web.Chaos.Set("smtp", devkit.Hang, 1) },
		func() { p.web.Chaos.Next("smtp") },
	} {
		change()
		if !lines.Scan() || lines.Text() != "data: changed" || !lines.Scan() {
			t.Fatalf("got %q, %v", lines.Text(), lines.Err())
		}
	}
}

func TestAMessageAppearsInTheBrowserWithoutAReload(t *testing.T) {
	p := openInbox(t)
	ctx := browsertest.Open(t)
	quiet := browsertest.Quiet(ctx, t)
	browsertest.Do(ctx, t, cdp.Navigate(p.url), cdp.WaitVisible(".hint .copy"), cdp.WaitVisible(`#live[data-state="on"]`))
	browsertest.Axe(ctx, t)
	_, err := cdp.Run(ctx, cdp.Evaluate[bool]("window.sameDocument = true"))
	must(t, err)

	p.web.Inbox.Add(devkit.Message{To: "+4915123456789", Channel: "sms", Provider: "twilio", Body: "Your code is 123456"})
	browsertest.Do(ctx, t, cdp.WaitVisible("#messages .bubble .code"), cdp.WaitNotPresent("#empty .hint"))
	browsertest.Expect(ctx, t, `document.querySelector("#messages .code").textContent`, "123456")
	browsertest.Expect(ctx, t, `document.getElementById("news").textContent`, "New text to +4915123456789, code 123456")
	browsertest.Expect(ctx, t, `document.querySelector("#messages time").textContent`, "just now")

	p.web.Inbox.Add(devkit.Message{To: "a@example.com", Channel: "email", Provider: "smtp", Subject: "Hello", Body: "654321", HTML: "<p>654321</p>"})
	browsertest.Do(ctx, t, cdp.WaitVisible("#messages .card"), cdp.Click(".tabs label:last-child"), cdp.WaitVisible(".card iframe"))
	browsertest.Axe(ctx, t)
	browsertest.Expect(ctx, t, `[...document.querySelectorAll("#messages .to")].map((b) => b.textContent).join()`, "a@example.com,+4915123456789")

	browsertest.Do(ctx, t, cdp.SendKeys("#to", "+49151"), cdp.WaitNotPresent("#messages .card"))
	browsertest.Expect(ctx, t, `location.search`, "?to=%2B49151")
	browsertest.Expect(ctx, t, `String(window.sameDocument)`, "true")

	browsertest.Do(ctx, t, cdp.Click(`form[action="/clear"] button`), cdp.WaitVisible(".hint"))
	quiet()
}

func TestAMailsScriptDoesNotRunInTheBrowser(t *testing.T) {
	p := openInbox(t)
	p.web.Inbox.Add(devkit.Message{To: "a@example.com", Channel: "email", HTML: `<script>parent.document.title = "caught"</script>`})
	ctx := browsertest.Open(t)
	browsertest.Do(ctx, t, cdp.Navigate(p.url), cdp.WaitReady(".card iframe"))
	browsertest.Expect(ctx, t, `document.querySelector("iframe").addEventListener("load", (e) => e.target.classList.add("loaded")); ""`, "")
	browsertest.Do(ctx, t, cdp.Click(".tabs label:last-child"), cdp.WaitVisible("iframe.loaded"))
	browsertest.Expect(ctx, t, `document.title`, "Inbox · otpipe")
}

// inboxAt is a served inbox.
type inboxAt struct {
	web *devkit.Web
	url string
}

func openInbox(t *testing.T) inboxAt {
	t.Helper()
	w := &devkit.Web{Inbox: &devkit.Inbox{}, Chaos: &devkit.Chaos{}, Hint: "curl -X POST localhost:8080/v1/verifications"}
	s := httptest.NewServer(w.Handler())
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return inboxAt{w, s.URL}
}

type pageAnswer struct {
	status int
	header http.Header
	body   string
}

func (p inboxAt) ask(t *testing.T, method, path, body string) pageAnswer {
	t.Helper()
	return p.send(t, method, path, "application/json", body)
}

// submit sends a form and follows where the answer leads.
func (p inboxAt) submit(t *testing.T, path, form string) pageAnswer {
	t.Helper()
	return p.send(t, "POST", path, "application/x-www-form-urlencoded", form)
}

func (p inboxAt) send(t *testing.T, method, path, kind, body string) pageAnswer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", kind)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer func() { _ = answer.Body.Close() }()
	var text bytes.Buffer
	_, err = io.Copy(&text, answer.Body)
	must(t, err)
	return pageAnswer{answer.StatusCode, answer.Header, text.String()}
}

func decodeJSON(t *testing.T, s string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v in %q", err, s)
	}
	return v
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
