package devkit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Demo is a login form and the product backend behind it, to show what a person
// and an API see of each other: ask, type, verified, and what can go wrong.
type Demo struct {
	API  string // base URL
	Key  string // an API key with the scopes send and check
	HTTP *http.Client

	mu     sync.Mutex
	logins map[string]*login // by the cookie's value
}

// login is what the backend remembers of one browser.
type login struct {
	Step      string // ask, type, done or locked
	Namespace string
	To        string
	Error     string // for the person
	Masked    string
	ResendAt  time.Time
	ExpiresAt time.Time
	Until     time.Time // of a lock
	Channel   string
	Calls     []call // the newest first

	last call // start or check; nothing if nobody answered
}

// call is one request to the API and its answer, as the page shows them.
type call struct {
	Path, Request, Answer string
	Status                int
}

// demoPage is a login and where the page loads the widget from.
type demoPage struct {
	*login
	Widget string
}

const (
	demoCookie = "demo"
	maxLogins  = 1000 // then all of them begin anew: this is dev mode
	maxCalls   = 8
)

//go:embed static/demo.html
var demoSource string

var demoTemplate = template.Must(template.New("demo").Parse(demoSource))

// routes adds the demo's pages to the inbox's.
func (d *Demo) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /demo", d.show)
	for path, step := range map[string]func(context.Context, *login, string, *http.Request){
		"POST /demo/ask": d.ask, "POST /demo/again": d.again, "POST /demo/check": d.check, "POST /demo/over": over,
	} {
		mux.HandleFunc(path, func(rw http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(rw, r.Body, maxOrder)
			d.mu.Lock() // one person, one machine
			id, l := d.login(rw, r)
			step(r.Context(), l, id, r)
			status, answer := l.told()
			d.mu.Unlock()
			if r.Header.Get("Accept") != "application/json" {
				http.Redirect(rw, r, "/demo", http.StatusSeeOther)
				return
			}
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			_ = json.NewEncoder(rw).Encode(answer) // the browser went away
		})
	}
}

// told is what the widget hears of the last call: the API's answer, without the
// proof. What the page says in other words is said in them here too.
func (l *login) told() (status int, answer map[string]any) {
	status, answer = cmp.Or(l.last.Status, http.StatusBadGateway), map[string]any{}
	if l.last.Answer != "" {
		_ = json.Unmarshal([]byte(l.last.Answer), &answer) // it was read before
	}
	delete(answer, "session")
	if l.Error != "" {
		answer["detail"] = l.Error
		delete(answer, "errors")
	}
	if l.Step == "done" {
		answer["redirect"] = "/demo"
	}
	return status, answer
}

// Wait is how many seconds the next send has to wait.
func (l *login) Wait() int { return max(0, int(math.Ceil(time.Until(l.ResendAt).Seconds()))) }

// login finds what is remembered of the browser, or begins with it.
func (d *Demo) login(rw http.ResponseWriter, r *http.Request) (id string, l *login) {
	if c, err := r.Cookie(demoCookie); err == nil && d.logins[c.Value] != nil {
		return c.Value, d.logins[c.Value]
	}
	if d.logins == nil || len(d.logins) >= maxLogins {
		d.logins = map[string]*login{}
	}
	id, l = rand.Text(), &login{Step: "ask"}
	d.logins[id] = l
	http.SetCookie(rw, &http.Cookie{Name: demoCookie, Value: id, Path: "/demo", HttpOnly: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // loopback has no TLS
	return id, l
}

func (d *Demo) show(rw http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	_, l := d.login(rw, r)
	var page bytes.Buffer
	err := demoTemplate.Execute(&page, demoPage{l, d.API + "/widget.js"})
	d.mu.Unlock()
	if err != nil {
		http.Error(rw, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := rw.Header()
	h.Set("Content-Security-Policy", strings.Replace(pagePolicy, "script-src 'self'", "script-src 'self' "+d.API, 1))
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = page.WriteTo(rw) // the browser went away
}

// ask has a code sent to what was typed.
func (d *Demo) ask(ctx context.Context, l *login, id string, r *http.Request) {
	l.To, l.Namespace = strings.TrimSpace(r.PostFormValue("to")), "phone-auth"
	if strings.Contains(l.To, "@") {
		l.Namespace = "verify-email"
	}
	d.again(ctx, l, id, r)
}

// again has the code sent, for the first time or once more. The binding is the
// browser's session: guesses from elsewhere cannot lock this one.
func (d *Demo) again(ctx context.Context, l *login, id string, _ *http.Request) {
	l.last = call{}
	a := d.call(ctx, l, "/v1/verifications", map[string]string{"namespace": l.Namespace, "to": l.To, "binding": id})
	l.Error = ""
	switch {
	case a.Status == http.StatusAccepted:
		l.Step, l.Masked, l.Channel, l.ResendAt, l.ExpiresAt = "type", a.ToMasked, a.Channel, a.ResendAt, a.ExpiresAt
	case a.Code == "recipient_locked":
		l.Step, l.Until = "locked", a.wait()
	case a.Code == "cooldown_active" && l.Step == "type":
		l.ResendAt, l.Error = a.wait(), "A code was sent a moment ago. Use that one, or wait a little."
	case a.RetryAfter > 0:
		l.Error = "That is enough for now. Please try again later."
	case len(a.Errors) > 0:
		l.Error = a.Errors[0].Detail
	default:
		l.Error = "That did not work. Please try again."
	}
}

// check has the API compare what was typed.
func (d *Demo) check(ctx context.Context, l *login, id string, r *http.Request) {
	typed := strings.Join(strings.Fields(r.PostFormValue("code")), "")
	l.last = call{}
	a := d.call(ctx, l, "/v1/verifications/check", map[string]string{"namespace": l.Namespace, "to": l.To, "code": typed, "binding": id})
	l.Error = ""
	switch {
	case a.Valid:
		d.call(ctx, l, "/v1/sessions/consume", map[string]string{"namespace": l.Namespace, "to": l.To, "token": a.Session.Token})
		l.Step = "done"
	case a.Status == http.StatusOK && !a.LockedUntil.IsZero():
		l.Step, l.Until = "locked", a.LockedUntil
	case a.Code == "recipient_locked":
		l.Step, l.Until = "locked", a.wait()
	case a.Reason == "code_mismatch" && a.ChecksLeft == 1:
		l.Error = "That is not the code. One try left."
	case a.Reason == "code_mismatch":
		l.Error = "That is not the code. Look at the newest message and try again."
	case a.Status == http.StatusOK:
		l.Error = "This code has expired. Ask for another one."
	case a.Code == "invalid_code_format":
		l.Error = "The code has six digits."
	default:
		l.Error = "That did not work. Please try again."
	}
}

func over(_ context.Context, l *login, _ string, _ *http.Request) { *l = login{Step: "ask"} }

// apiAnswer is what the demo reads of any answer.
type apiAnswer struct {
	Status int `json:"-"`

	ToMasked    string    `json:"to_masked"`
	Channel     string    `json:"channel"`
	ResendAt    time.Time `json:"resend_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	Valid       bool      `json:"valid"`
	Reason      string    `json:"reason"`
	ChecksLeft  int       `json:"checks_left"`
	LockedUntil time.Time `json:"locked_until"`
	Session     struct {
		Token string `json:"token"`
	} `json:"session"`
	Code       string `json:"code"` // of a problem
	RetryAfter int    `json:"retry_after"`
	Errors     []struct {
		Detail string `json:"detail"`
	} `json:"errors"`
}

func (a apiAnswer) wait() time.Time { return time.Now().Add(time.Duration(a.RetryAfter) * time.Second) }

// call asks the API as a product backend does, and keeps the exchange for the page.
func (d *Demo) call(ctx context.Context, l *login, path string, body map[string]string) (a apiAnswer) {
	text, err := json.Marshal(body)
	if err != nil {
		return a
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.API+path, bytes.NewReader(text))
	if err != nil {
		return a
	}
	req.Header.Set("Authorization", "Bearer "+d.Key)
	req.Header.Set("Content-Type", "application/json")
	res, err := d.HTTP.Do(req)
	if err != nil {
		return a
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil || json.Unmarshal(raw, &a) != nil {
		return a
	}
	a.Status = res.StatusCode
	made := call{path, indented(text), indented(raw), a.Status}
	if path != "/v1/sessions/consume" {
		l.last = made
	}
	l.Calls = append([]call{made}, l.Calls...)
	l.Calls = l.Calls[:min(len(l.Calls), maxCalls)]
	return a
}

func indented(text []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return ""
	}
	return b.String()
}
