package widget_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cdp "github.com/chromedp/chromedp"

	"github.com/otpipe/otpipe/internal/browsertest"
	"github.com/otpipe/otpipe/internal/widget"
)

// code is the right one.
const code = "739182"

// strict is a policy that lets nothing inline run and nothing leave the site.
const strict = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; img-src data:; require-trusted-types-for 'script'"

// plain is the form that works without JavaScript.
const plain = `<form method="post" action="/check">
<input type="hidden" name="csrf" value="token-7">
<label for="c">Your code</label>
<input id="c" name="code" autocomplete="one-time-code" inputmode="numeric" maxlength="20" required>
<button>Sign in</button>
</form>
<form method="post" action="/resend"><input type="hidden" name="csrf" value="token-7"><button>Send another</button></form>`

// product is a product's backend, on loopback. What it answers is set by the
// test; what it was asked is kept.
type product struct {
	t      *testing.T
	url    string
	head   string // of the page
	body   string
	policy string

	mu      sync.Mutex
	answers map[string]func(w http.ResponseWriter, form url.Values)
	asked   []string // path and form
}

// open serves a page with the element and opens it.
func open(t *testing.T, element string, change func(p *product)) (*product, context.Context) {
	t.Helper()
	p := &product{t: t, body: element, policy: strict, answers: map[string]func(http.ResponseWriter, url.Values){
		"/check": func(w http.ResponseWriter, form url.Values) {
			if form.Get("code") == code {
				say(w, 200, `{"valid":true}`)
				return
			}
			say(w, 200, `{"valid":false,"public_reason":"invalid_or_expired","checks_left":4}`)
		},
		"/resend": func(w http.ResponseWriter, _ url.Values) { say(w, 200, `{"retry_after":30}`) },
	}}
	if change != nil {
		change(p)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /widget.js", widget.Handler())
	mux.HandleFunc("GET /{$}", p.page)
	mux.HandleFunc("GET /done", p.page)
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		_, _ = w.Write([]byte(`body { background: Canvas; font-family: sans-serif }`))
	})
	mux.HandleFunc("POST /{path}", p.answer)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	p.url = s.URL
	ctx := browsertest.Open(t)
	browsertest.Do(ctx, t, cdp.Navigate(p.url+"/"))
	return p, ctx
}

// element is the element around the plain form.
func element(attributes string) string {
	return `<otpipe-code ` + attributes + `>` + plain + `</otpipe-code>`
}

func (p *product) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", p.policy)
	if r.URL.Path == "/done" {
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><title>Done</title><h1 id="done">Done</h1>`))
		return
	}
	head := p.head
	if head == "" {
		head = `<html lang="en"><head><meta name="color-scheme" content="light dark">`
	}
	_, _ = w.Write([]byte(`<!doctype html>` + head + `<title>Sign in</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"><script src="/widget.js" defer></script></head><body><main><h1>Sign in</h1>` + p.body + `</main>`))
}

func (p *product) answer(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Header.Get("Accept") != "application/json" {
		p.t.Errorf("%s: %v, Accept %q", r.URL.Path, err, r.Header.Get("Accept"))
	}
	p.mu.Lock()
	p.asked = append(p.asked, r.URL.Path+"?"+r.PostForm.Encode())
	answer := p.answers[r.URL.Path]
	p.mu.Unlock()
	answer(w, r.PostForm)
}

// on sets what is answered from now on.
func (p *product) on(path string, answer func(w http.ResponseWriter, form url.Values)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = answer
}

// says answers always the same.
func (p *product) says(path string, status int, body string) {
	p.on(path, func(w http.ResponseWriter, _ url.Values) { say(w, status, body) })
}

func (p *product) wasAsked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

func (p *product) wantAsked(want ...string) {
	p.t.Helper()
	if got := p.wasAsked(); !slices.Equal(got, want) {
		p.t.Errorf("asked %q, want %q", got, want)
	}
}

func say(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// Pieces of the element.
const (
	widgetJS = `document.querySelector("otpipe-code")`
	shadow   = widgetJS + `.shadowRoot.`
	input    = shadow + `querySelector("input")`
	errorJS  = shadow + `querySelector("[role=alert]").textContent`
	statusJS = shadow + `querySelector("[role=status]").textContent`
	resendJS = shadow + `querySelector(".resend")`
	boxes    = `[...` + shadow + `querySelectorAll(".box")].map((b) => b.textContent || "_").join("")`
)

// until waits for the page to say something.
func until(ctx context.Context, t *testing.T, expression, want string) {
	t.Helper()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	_, err = cdp.Run(ctx, cdp.Poll[bool](`(`+expression+`) === `+string(text), cdp.WithPollingTimeout(10*time.Second)))
	if err != nil {
		got, _ := cdp.Run(ctx, cdp.Evaluate[string](`String(`+expression+`)`))
		t.Fatalf("%s is %q, want %q: %v", expression, got, want, err)
	}
}

// state waits for a state.
func state(ctx context.Context, t *testing.T, want string) {
	t.Helper()
	until(ctx, t, widgetJS+`.state`, want)
}

// run runs a script in the page.
func run(ctx context.Context, t *testing.T, script string) {
	t.Helper()
	browsertest.Do(ctx, t, cdp.Evaluate[cdp.Void](`(() => { `+script+` })()`, cdp.EvalAwaitPromise))
}

// types puts the focus into the field and types.
func types(ctx context.Context, t *testing.T, keys string) {
	t.Helper()
	run(ctx, t, widgetJS+`.focus()`)
	browsertest.Do(ctx, t, cdp.KeyEvent(keys))
}

// pastes has the clipboard's text arrive as the browser has it arrive.
func pastes(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	quoted := strings.ReplaceAll(text, "`", "")
	run(ctx, t, widgetJS+`.focus(); const d = new DataTransfer(); d.setData("text/plain", `+"`"+quoted+"`"+`); `+
		`const e = new ClipboardEvent("paste", { clipboardData: d, bubbles: true, cancelable: true, composed: true });`+
		`if (`+input+`.dispatchEvent(e)) document.execCommand("insertText", false, `+"`"+quoted+"`"+`)`)
}
