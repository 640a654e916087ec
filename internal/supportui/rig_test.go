package supportui_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/internal/support"
	"github.com/otpipe/otpipe/internal/supportui"
)

const (
	phone     = "+4915123456789"
	phoneMask = "+49•••••••••89"
	mailbox   = "kim@example.com"
	mailMask  = "k•••@e•••.com"
	code      = "739182"
)

var (
	viewer   = otp.Staff{Name: "vera", Role: otp.Viewer}
	operator = otp.Staff{Name: "oskar", Role: otp.Operator}
	admin    = otp.Staff{Name: "ada", Role: otp.Admin}
)

// rig is the pages over the real service and the real store, with a clock that
// the test moves. Who has signed in is for the test to say; the door has tests
// of its own.
type rig struct {
	t       testing.TB
	rdb     *redis.Client
	store   *redisstore.Store
	support *support.Service
	keys    otp.Keys
	rung    chan otp.Due
	server  *httptest.Server
	stop    chan struct{}
	stopped func()                    // closes stop, once
	queues  map[string]otp.QueueState // nil: nothing waits anywhere
	ahead   atomic.Int64

	mu  sync.Mutex
	who otp.Staff // nobody if it has no name
	log bytes.Buffer
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, rdb: redistest.Client(t), keys: keys(t), rung: make(chan otp.Due, 100), stop: make(chan struct{}), who: admin}
	r.store = &redisstore.Store{
		Redis: r.rdb, Retention: 72 * time.Hour, EventsKept: 10_000,
		Offset: func() time.Duration { return time.Duration(r.ahead.Load()) },
	}
	r.support = &support.Service{
		Journal: r.store, Acts: r.store, Ringer: r, Addresses: func(s string) (otp.Recipient, error) { return address.Typed(s, "DE") },
		Explainer: app.Explainer(), Namespaces: otp.BuiltIn(), Keys: r.keys, Partitions: 16,
		Now: func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) },
	}
	u := &supportui.UI{
		Door: r, Support: r.support,
		Overview: &support.Overview{
			Tallies: r.store, Standings: r.store, Queues: r, Partitions: 16, Now: func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) },
			Accounts: []support.Account{{Name: "twilio", Driver: "twilio", Channels: []otp.Channel{otp.SMS}}, {Name: "backup", Driver: "twilio", Channels: []otp.Channel{otp.SMS}}, {Name: "smtp", Driver: "smtp", Channels: []otp.Channel{otp.Email}}},
		},
		Log: slog.New(slog.NewTextHandler(r, nil)), Stopping: r.stop,
	}
	r.server = httptest.NewServer(u.Handler())
	t.Cleanup(r.server.Close)
	r.stopped = sync.OnceFunc(func() { close(r.stop) })
	t.Cleanup(r.stopped)
	return r
}

// Read has a queue stand as the test says.
func (r *rig) Read(queue string) (otp.QueueState, error) {
	state, known := r.queues[queue]
	if !known && r.queues != nil {
		return state, errors.New("out of reach")
	}
	return state, nil
}

func keys(t testing.TB) otp.Keys {
	t.Helper()
	k, err := otp.NewKey("k1", bytes.Repeat([]byte("k"), otp.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := otp.NewRing("k1", k)
	if err != nil {
		t.Fatal(err)
	}
	all, err := otp.DeriveKeys(ring, k)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *rig) Ring(_ context.Context, d otp.Due) { r.rung <- d }

func (r *rig) Routes(*http.ServeMux) {}

// From is nowhere.
func (r *rig) From(*http.Request) netip.Addr { return netip.Addr{} }

func (r *rig) Guard(next supportui.Page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if who := r.current(); who.Name != "" {
			next(w, q, who)
			return
		}
		http.Redirect(w, q, "/login", http.StatusSeeOther)
	})
}

func (r *rig) Watch(next supportui.Page) http.Handler { return r.Guard(next) }

func (r *rig) Still(*http.Request) (otp.Staff, bool) {
	who := r.current()
	return who, who.Name != ""
}

func (r *rig) current() otp.Staff {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.who
}

func (r *rig) enter(who otp.Staff) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.who = who
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) pass(d time.Duration) { r.ahead.Add(int64(d)) }

// answer is what a page said.
type answer struct {
	status int
	header http.Header
	body   string
}

func (r *rig) do(method, path string, form url.Values) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+path, strings.NewReader(form.Encode()))
	r.must(err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	r.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	r.must(err)
	return answer{res.StatusCode, res.Header, string(body)}
}

func (r *rig) get(path string) answer { r.t.Helper(); return r.do(http.MethodGet, path, nil) }

// peek gets the beginning of what may go on for long: as much as comes in a moment.
func (r *rig) peek(path string) answer {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 300*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.server.URL+path, nil)
	r.must(err)
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	r.must(err)
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body) // up to the moment's end
	return answer{res.StatusCode, res.Header, string(body)}
}

func (r *rig) post(path string, form url.Values) answer {
	r.t.Helper()
	return r.do(http.MethodPost, path, form)
}

// page is a page that must be there.
func (r *rig) page(path string) string {
	r.t.Helper()
	a := r.get(path)
	if a.status != http.StatusOK {
		r.t.Fatalf("%s: %d\n%s", path, a.status, a.body)
	}
	return a.body
}

// asked is a start, as the product would make it.
type asked struct {
	to      string
	ns      otp.Namespace
	binding string
	others  bool // it names a mailbox too
	free    bool // there are no limits
}

func (r *rig) start(a asked) otp.Order {
	r.t.Helper()
	o, err := r.tryStart(a)
	r.must(err)
	return o
}

// tryStart is a start that the limits may refuse.
func (r *rig) tryStart(a asked) (otp.Order, error) {
	r.t.Helper()
	if a.to == "" {
		a.to = phone
	}
	if a.ns == "" {
		a.ns = otp.PhoneAuth
	}
	ch := otp.SMS
	if strings.Contains(a.to, "@") {
		ch = otp.Email
	}
	to, err := address.Parse(ch, a.to)
	r.must(err)
	o := r.keys.Owner(a.ns, to, a.binding, 16)
	secret, err := otp.ParseCode(code, 6)
	r.must(err)
	letter, err := r.keys.SealLetter(o, otp.Letter{To: to})
	r.must(err)
	opening := otp.Opening{
		Owner: o, ID: otp.NewID(o.Partition), Policy: otp.BuiltIn()[a.ns], Channel: ch, Masked: to.Masked(), Nonce: otp.NewNonce(),
		Digest: r.keys.DigestOf(o, secret), Code: r.keys.SealCode(o, secret), Letter: letter, Address: r.keys.SealAddress(o, to),
	}
	if a.free {
		p := &opening.Policy
		p.Cooldown, p.AllCooldown, p.Daily, p.AllDaily = 0, 0, 1000, 1000
	}
	if a.others {
		other, err := address.Parse(otp.Email, mailbox)
		r.must(err)
		letter, err := r.keys.SealLetter(o, otp.Letter{To: other})
		r.must(err)
		opening.Fallbacks = []otp.Fallback{{Channel: otp.Email, Masked: other.Masked(), Letter: letter}}
	}
	opened, err := r.store.Start(r.t.Context(), opening)
	return opened.Order, err
}

// handOver hands a send to a provider, as a worker would.
func (r *rig) handOver(o otp.Order, provider string, out otp.Outcome) {
	r.t.Helper()
	c, ok, err := r.store.Claim(r.t.Context(), o, "w")
	if err != nil || !ok {
		r.t.Fatalf("claim: %t, %v", ok, err)
	}
	attempt := len(c.Attempts) + 1
	_, err = r.store.Begin(r.t.Context(), c, attempt, provider)
	r.must(err)
	r.pass(120 * time.Millisecond)
	out.Order, out.Attempt, out.Channel = o, attempt, otp.SMS
	_, err = r.store.Finish(r.t.Context(), out)
	r.must(err)
}

func (r *rig) accept(o otp.Order) {
	r.t.Helper()
	r.handOver(o, "twilio", otp.Outcome{State: otp.Accepted, Ref: "SM0123456789abcdef0123456789abcdef"})
}

// fail has a provider say that nobody can reach the recipient.
func (r *rig) fail(o otp.Order) {
	r.t.Helper()
	r.handOver(o, "twilio", otp.Outcome{State: otp.Failed, Class: otp.FaultRecipient, Reason: "twilio_21211", Permanent: true})
}

func (r *rig) receive(o otp.Order, state otp.State, reason string) {
	r.t.Helper()
	_, err := r.store.Receive(r.t.Context(), otp.Receipt{Order: o, Attempt: 1, Provider: "twilio", Ref: "SM0123456789abcdef0123456789abcdef", State: state, Reason: reason, Class: otp.FaultProvider})
	r.must(err)
}

// guess types a code.
func (r *rig) guess(typed string) otp.Verdict {
	r.t.Helper()
	v, err := r.tryGuess(typed)
	r.must(err)
	return v
}

// tryGuess types a code, which a lock may refuse.
func (r *rig) tryGuess(typed string) (otp.Verdict, error) {
	r.t.Helper()
	to, err := address.Parse(otp.SMS, phone)
	r.must(err)
	o := r.keys.Owner(otp.PhoneAuth, to, "", 16)
	c, err := otp.ParseCode(typed, 6)
	r.must(err)
	n := otp.NewNonce()
	return r.store.Check(r.t.Context(), otp.Guess{Owner: o, Digests: r.keys.DigestsOf(o, c), Policy: otp.DefaultPolicy(), Nonce: n, Sessions: r.keys.SessionsOf(o, c, n)})
}

func (r *rig) lock() {
	r.t.Helper()
	for range 5 {
		r.guess("999999")
	}
}

func path(o otp.Order) string { return "/verifications/" + string(o.ID) }
