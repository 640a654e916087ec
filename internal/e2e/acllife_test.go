package e2e_test

import (
	"encoding/base32"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/idptest"
	"github.com/otpipe/otpipe/internal/login"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/internal/totp"
)

const staffWord = "correct horse battery staple"

// wholeLife makes the processes do all that they ever do with a Redis.
type wholeLife struct {
	*rig
	clock *redistest.Clock
	staff string // where the support pages are
	idp   *idptest.Provider
	api   api
	told  *backend
	leave []string // recipients who are forgotten
}

// more is what the settings need for everything to be used at least once. No mail
// of the namespace deaf can be delivered, now or ever.
func (l *wholeLife) more() string {
	l.told = l.startBackend()
	l.idp.Redirect = "http://" + l.staff + "/login/oidc/callback"
	l.idp.Person = map[string]any{"sub": "1", "name": "Ada", "email": "ada@example.com", "email_verified": true, "roles": []string{"admins"}}
	deaf := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"fault":"recipient","permanent":true}`)
	}))
	l.Cleanup(deaf.Close)
	hash, err := login.HashPassword(staffWord)
	if err != nil {
		l.Fatal(err)
	}
	return namespaces + l.told.endpoint("told") + fmt.Sprintf(`
[[keys.ring]]
id = "before"
secret = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"

[namespaces.deaf]
cooldown = "0s"
all_cooldown = "0s"

[[providers]]
name = "deaf"
driver = "webhook"
per_second = 50
[providers.webhook]
url = %q
secrets = [%q]

[[routes.rules]]
channel = "email"
namespaces = ["deaf"]
providers = ["deaf"]

[[callers]]
name = "auditor"
key_sha256 = "3ca6a2d6f0ee27a7f9a5c2f64e5ee0d6ff7b6ea77ab5b0c3bf0e5d8a2ba21a55"
scopes = ["audit"]

[[limits]]
name = "per-ip"
by = ["ip"]
max = 100
interval = "1h"

[[limits]]
name = "per-country"
by = ["country"]
max = 1000
interval = "1h"

[toll_guard]
mode = "block"

[store]
durability = "replicated"
replicas = 1

[database]
url = %q

[audit]
sink = %q
strict = true

[support]
listen = %q

[[support.users]]
name = "admin"
password_hash = %q
role = "admin"

[support.oidc]
issuer = %q
client_id = %q
client_secret = %q
claim = "roles"
roles = { admins = "admin" }
`, deaf.URL, signingSecret, "sqlite://"+l.TempDir()+"/otpipe.db", "jsonl://"+l.TempDir(), l.staff, hash, l.idp.URL, idptest.ClientID, idptest.ClientSecret)
}

// live goes through all of it. at are the settings of the users, by name.
func (l *wholeLife) live(t *testing.T, at map[string]settings) {
	t.Helper()
	defer l.nothingRefused(t)
	for _, name := range []string{"api", "worker"} {
		s := at["otpipe-"+name]
		s.Admin = ":9090"
		if code, out := command(t, name, "-check", "-config", l.write(s)); code != 0 {
			t.Fatalf("%s -check: %d\n%s", name, code, out)
		}
	}
	l.api = l.startAPI(at["otpipe-api"])
	worker := l.startWorker(at["otpipe-worker"])
	l.callers(t)
	l.apps(t)
	l.vendors(t)
	l.people(t)
	l.operators(t, at["otpipe-ctl"])
	worker.terminate()
	worker.exit(t, 30*time.Second)

	silent := at["otpipe-worker"] // Twilio is not told whom to tell, so it has to be asked
	silent.PublicURL = ""
	worker = l.startWorker(silent)
	l.late(t)
	for _, p := range []*process{worker, l.api.process} {
		p.terminate()
		p.exit(t, 30*time.Second)
	}
}

func (l *wholeLife) want(t *testing.T, a answer, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("want %d: %v", status, a)
	}
	return a
}

// callers are products: what they ask for once, twice, wrongly and too often.
func (l *wholeLife) callers(t *testing.T) {
	t.Helper()
	a, to := l.api, l.phone()
	start := []byte(`{"namespace":"phone-auth","to":"` + to + `","limits":{"ip":"192.0.2.1"}}`)
	l.want(t, a.sendUnder("again", http.MethodPost, "/v1/verifications", start), http.StatusAccepted)
	l.want(t, a.sendUnder("again", http.MethodPost, "/v1/verifications", start), http.StatusAccepted)
	l.want(t, a.sendUnder("soon", http.MethodPost, "/v1/verifications", start), http.StatusTooManyRequests)
	a.check(t, "phone-auth", to, "000000")
	token := a.check(t, "phone-auth", to, l.code(to, 20*time.Second)).Session.Token
	l.leave = append(l.leave, to)
	for _, what := range []string{"introspect", "consume"} {
		if s := a.session(t, what, token, "phone-auth", to); !s.Active {
			t.Errorf("%s: %+v", what, s)
		}
	}
	locked, lost := l.phone(), l.phone()
	for _, one := range []string{locked, lost} {
		a.start(t, "load", one)
		a.start(t, "load", one)
		for range 5 {
			a.check(t, "load", one, "000000")
		}
		l.want(t, a.ask("load", one), http.StatusTooManyRequests)
	}
	l.leave = append(l.leave, lost)
	l.want(t, a.do(http.MethodPost, "/v1/recipients/unlock", map[string]string{"namespace": "load", "to": locked, "reason": "asked"}), http.StatusOK)
	v := a.start(t, "load", locked)
	l.want(t, a.do(http.MethodPost, "/v1/verifications/"+v.ID+"/cancel", nil), http.StatusOK)
	l.want(t, a.do(http.MethodPost, "/v1/verifications/check", map[string]string{"id": v.ID, "code": "000000"}), http.StatusOK)
	l.want(t, a.do(http.MethodPost, "/v1/verifications/search", map[string]string{"to": locked}), http.StatusOK)
	decoy := l.want(t, a.do(http.MethodPost, "/v1/verifications", map[string]any{"namespace": "forgot-password", "to": l.mailbox(), "decoy": true}), http.StatusAccepted)
	decoy.read(t, &v)
	eventually(t, 20*time.Second, "the decoy ends", func() bool { return a.get(t, v.ID).Delivery.Status != "queued" })
}

// apps show codes.
func (l *wholeLife) apps(t *testing.T) {
	t.Helper()
	a := l.api
	var f struct{ ID, Secret string }
	l.want(t, a.do(http.MethodPost, "/v1/factors", map[string]string{"namespace": "load", "subject": "user-1", "issuer": "Example", "account": "ada"}), http.StatusCreated).read(t, &f)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(f.Secret)
	if err != nil {
		t.Fatal(err)
	}
	code := func(ahead int64) map[string]string {
		clock := otp.DefaultClockwork()
		return map[string]string{"code": totp.CodeAt(otp.FactorSecretOf(secret), clock, clock.Step(time.Now())+ahead)}
	}
	l.want(t, a.do(http.MethodPost, "/v1/factors/"+f.ID+"/confirm", code(0)), http.StatusOK)
	l.want(t, a.do(http.MethodPost, "/v1/factors/"+f.ID+"/check", map[string]string{"code": "000000"}), http.StatusOK)
	var v checked
	l.want(t, a.do(http.MethodPost, "/v1/factors/"+f.ID+"/check", code(1)), http.StatusOK).read(t, &v)
	if v.Session == nil {
		t.Fatalf("%+v", v)
	}
	for _, what := range []string{"introspect", "consume"} {
		l.want(t, a.do(http.MethodPost, "/v1/sessions/"+what, map[string]string{"token": v.Session.Token, "namespace": "load", "subject": "user-1"}), http.StatusOK)
	}
	l.want(t, a.do(http.MethodDelete, "/v1/factors/"+f.ID, nil), http.StatusOK)
}

// vendors fail in every way.
func (l *wholeLife) vendors(t *testing.T) {
	t.Helper()
	a, first, next := l.api, l.phone(), l.mailbox()
	l.chaos("twilio", devkit.Undelivered, 1)
	l.want(t, a.do(http.MethodPost, "/v1/verifications", map[string]any{
		"namespace": "load", "to": first, "fallback": []any{map[string]string{"to": next}},
	}), http.StatusAccepted)
	if got := a.check(t, "load", first, l.code(next, 20*time.Second)); !got.Valid {
		t.Errorf("check: %+v", got)
	}
	l.chaos("twilio", devkit.Refuse, 1)
	refused := l.phone()
	a.start(t, "load", refused)
	l.code(refused, 20*time.Second)
	a.check(t, "load", refused, "000000")
	l.leave = append(l.leave, first, refused)
	l.want(t, a.do(http.MethodGet, "/v1/providers", nil), http.StatusOK)
	for _, what := range []string{"drain", "resume"} {
		l.want(t, a.do(http.MethodPost, "/v1/providers/smtp/"+what, map[string]string{"reason": "tried"}), http.StatusOK)
	}
}

// browser is a member of the staff.
func (l *wholeLife) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 20 * time.Second}
}

// opens gets a page, or posts a form to it if there is one.
func (l *wholeLife) opens(t *testing.T, b *http.Client, path string, form url.Values) (page string) {
	t.Helper()
	at := "http://" + l.staff + path
	res, err := b.Get(at)
	if form != nil {
		if err == nil {
			_ = res.Body.Close()
		}
		res, err = b.PostForm(at, form)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s\n%s", path, res.Status, text)
	}
	return string(text)
}

// offered is an action that a page offers.
var offered = regexp.MustCompile(`href="(/verifications/[^"]*/(?:send|divert|unsuppress|unlock|cancel|reveal)[^"]*)"`)

// people are those who help.
func (l *wholeLife) people(t *testing.T) {
	t.Helper()
	a, to, other := l.api, l.mailbox(), l.mailbox()
	var silenced, diverted told
	l.want(t, a.ask("deaf", to), http.StatusAccepted).read(t, &silenced)
	eventually(t, 20*time.Second, "the mailbox is silenced", func() bool { return a.get(t, silenced.ID).Delivery.Status == "failed" })
	number := l.phone()
	l.want(t, a.do(http.MethodPost, "/v1/verifications", map[string]any{
		"namespace": "deaf", "to": number, "fallback": []any{map[string]string{"to": other}},
	}), http.StatusAccepted).read(t, &diverted)
	l.code(number, 20*time.Second)
	turned := l.phone() // counted where it goes
	l.want(t, a.do(http.MethodPost, "/v1/verifications", map[string]any{
		"namespace": "deaf", "to": l.mailbox(), "fallback": []any{map[string]string{"to": turned}},
	}), http.StatusAccepted)
	l.code(turned, 20*time.Second)

	b := l.browser(t)
	l.opens(t, b, "/login", url.Values{"name": {"admin"}, "password": {staffWord}})
	l.opens(t, b, "/overview", nil)
	l.opens(t, b, "/search", url.Values{"q": {to}})
	done := map[string]bool{}
	for _, id := range []string{silenced.ID, diverted.ID} {
		page := l.opens(t, b, "/verifications/"+id, nil)
		l.opens(t, b, "/verifications/"+id+"/summary.txt", nil)
		for _, m := range offered.FindAllStringSubmatch(page, -1) {
			path := html.UnescapeString(m[1])
			name, _, _ := strings.Cut(path[strings.LastIndex(path, "/")+1:], "?")
			if done[name] || name == "cancel" {
				continue
			}
			done[name] = true
			l.opens(t, b, path, url.Values{"reason": {"asked by phone"}})
		}
	}
	for _, act := range []string{"send", "divert", "unsuppress", "reveal"} {
		if !done[act] {
			t.Errorf("nobody did %s: %v", act, done)
		}
	}
	l.leave = append(l.leave, other)
	eventually(t, 20*time.Second, "the other address is silenced", func() bool { return a.get(t, diverted.ID).Delivery.Status == "failed" })
	l.opens(t, b, "/logout", url.Values{})
	l.opens(t, l.browser(t), "/login/oidc", nil)
}

// operators use what of otpctl looks into Redis.
func (l *wholeLife) operators(t *testing.T, s settings) {
	t.Helper()
	s.Admin = ":9090"
	path := l.write(s)
	for _, c := range [][]string{
		{"config", "check"},
		{"doctor"},
		{"queue"},
		{"range", "list"},
		{"range", "unblock", "+491512", "--reason", "tried"},
		{"audit", "verify"},
	} {
		l.otpctl(t, path, c...)
	}
	for _, one := range l.leave {
		l.otpctl(t, path, "forget", one, "--yes")
	}
}

func (l *wholeLife) otpctl(t *testing.T, config string, args ...string) {
	t.Helper()
	if code, out := command(t, "otpctl", append(args, "--config", config)...); code != 0 {
		t.Errorf("otpctl %v: %d\n%s", args, code, out)
	}
}

// late is what is done about codes after minutes.
func (l *wholeLife) late(t *testing.T) {
	t.Helper()
	to := l.phone()
	v := l.api.start(t, "load", to)
	eventually(t, 20*time.Second, "the text is handed over", func() bool { return l.api.get(t, v.ID).Delivery.Status == "accepted" })
	l.clock.Advance(t, 3*time.Minute)
	eventually(t, 30*time.Second, "Twilio is asked", func() bool { return l.api.get(t, v.ID).Delivery.Status == "delivered" })
	l.clock.Advance(t, 5*time.Minute)
	eventually(t, 30*time.Second, "the code expires", func() bool { return l.told.told(v.ID)["verification.expired"] == 1 })
}
