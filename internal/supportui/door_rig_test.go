package supportui_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/idptest"
	"github.com/otpipe/otpipe/internal/login"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/internal/supportui"
)

const adasPassword = "correct horse battery"

var adasHash = sync.OnceValues(func() (otp.PasswordHash, error) {
	text, err := login.HashPassword(adasPassword)
	if err != nil {
		return otp.PasswordHash{}, err
	}
	return otp.ParsePasswordHash(text)
})

// doorway is the door of real support pages, on a real Redis, with ada behind it
// by password and whom an identity provider vouches for.
type doorway struct {
	t     *testing.T
	door  *supportui.Door
	store *redisstore.Store
	rdb   *redis.Client
	idp   *idptest.Provider
	url   string
	log   *logged
	ahead atomic.Int64
}

// logged is a log that may be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func openDoor(t *testing.T, change func(*doorway)) *doorway {
	t.Helper()
	w := &doorway{t: t, rdb: redistest.Client(t), idp: idptest.Start(t), log: &logged{}}
	w.store = &redisstore.Store{
		Redis: w.rdb, Retention: time.Hour, EventsKept: 1000, Offset: func() time.Duration { return time.Duration(w.ahead.Load()) },
	}
	w.door = &supportui.Door{
		Visits: w.store, Tries: w.store, Referrals: w.store, KnockOf: keys(t).KnockOf,
		Idle: 30 * time.Minute, Longest: 12 * time.Hour, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	w.list("ada", otp.Operator)
	stopping := make(chan struct{})
	ui := &supportui.UI{Door: w.door, Log: w.door.Log, Stopping: stopping}
	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	w.idp.Redirect = w.url + "/login/oidc/callback"
	w.idp.Person = map[string]any{"sub": "1", "email": "kim@example.com", "roles": []string{"support"}}
	w.door.Voucher = w.vouched(login.Grants{Claim: "roles", Roles: map[string]otp.Role{"support": otp.Viewer}})
	if change != nil {
		change(w)
	}
	server.Config.Handler = ui.Handler()
	if w.door.Secure {
		server.StartTLS()
		w.url = server.URL
	} else {
		server.Start()
	}
	t.Cleanup(func() { close(stopping); server.Close() })
	return w
}

// list has the configuration name one user.
func (w *doorway) list(name string, role otp.Role) {
	w.t.Helper()
	hash, err := adasHash()
	if err != nil {
		w.t.Fatal(err)
	}
	w.door.Users = login.NewUsers(login.User{Staff: otp.Staff{Name: name, Role: role}, Hash: hash})
}

func (w *doorway) vouched(g login.Grants) *login.OIDC {
	return &login.OIDC{
		Issuer: w.idp.URL, ClientID: idptest.ClientID, ClientSecret: idptest.ClientSecret, Redirect: w.idp.Redirect, Home: w.url + "/login",
		Scopes: []string{"openid"}, HTTP: &http.Client{Timeout: 5 * time.Second}, Now: time.Now, Grants: g,
	}
}

// browser is a person's, with its cookies.
type browser struct {
	*http.Client
	w *doorway
}

func (w *doorway) browser() *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{&http.Client{Jar: jar, Transport: &http.Transport{}}, w}
}

// page is what a browser ends up with after all that it follows.
type page struct {
	status int
	path   string
	header http.Header
	text   string
}

func (b *browser) do(r *http.Request) page {
	b.w.t.Helper()
	res, err := b.Do(r)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return page{res.StatusCode, res.Request.URL.RequestURI(), res.Header, string(text)}
}

func (b *browser) get(path string) page {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(b.w.t.Context(), http.MethodGet, b.w.url+path, nil)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) post(path string, form url.Values, change func(*http.Request)) page {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(b.w.t.Context(), http.MethodPost, b.w.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if change != nil {
		change(r)
	}
	return b.do(r)
}

func (b *browser) signIn(name, password string) page {
	b.w.t.Helper()
	return b.post("/login", url.Values{"name": {name}, "password": {password}}, nil)
}

// in tells whether the browser sees a page, and as whom.
func (b *browser) in(who string) bool {
	b.w.t.Helper()
	p := b.get("/")
	return p.status == http.StatusOK && p.path == "/" && strings.Contains(p.text, "<span>"+who+" <small>")
}

func (b *browser) mustBeIn(who string) {
	b.w.t.Helper()
	if !b.in(who) {
		b.w.t.Fatalf("%s is not in", who)
	}
}

func (b *browser) mustBeOut() {
	b.w.t.Helper()
	if p := b.get("/"); p.status != http.StatusOK || p.path != "/login" {
		b.w.t.Fatalf("got %d of %s, want the login", p.status, p.path)
	}
}

// here is where the pages lie, as a jar of cookies wants it.
func (b *browser) here() *url.URL {
	u, err := url.Parse(b.w.url)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return u
}

func (b *browser) cookie(name string) string {
	for _, c := range b.Jar.Cookies(b.here()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) put(name, value string) {
	b.Jar.SetCookies(b.here(), []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// stop has the browser follow nothing.
func (b *browser) stop() *browser {
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b
}

// types are those of the staff's events, with their actors.
func (w *doorway) events() (all []string) {
	w.t.Helper()
	entries, err := w.rdb.XRange(w.t.Context(), "events:{00}", "-", "+").Result()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		kind, _ := e.Values["type"].(string)
		actor, _ := e.Values["actor"].(string)
		all = append(all, kind+" "+actor)
	}
	return all
}

func prefixes(t *testing.T, all ...string) (networks []netip.Prefix) {
	t.Helper()
	for _, text := range all {
		networks = append(networks, netip.MustParsePrefix(text))
	}
	return networks
}
