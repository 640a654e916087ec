package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/httpapi"
	"github.com/otpipe/otpipe/internal/jwtsession"
	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/support"
	"github.com/otpipe/otpipe/internal/telemetry"
	"github.com/otpipe/otpipe/internal/totp"
	"github.com/otpipe/otpipe/internal/twilio"
	"github.com/otpipe/otpipe/internal/verify"
	"github.com/otpipe/otpipe/templates"
)

const (
	phone     = "+4915112345678"
	phoneMask = "+49•••••••••78"
	mailbox   = "anna.berg@example.com"
	mailMask  = "a•••@e•••.com"

	accountSID = "AC0123456789abcdef0123456789abcdef"
	authToken  = "not-a-real-token"
	publicURL  = "https://otp.example.com"
)

// The keys of the callers. All of them but these two may do everything.
const (
	keyAll   = "otk_all"
	keyOther = "otk_other"
	keyPhone = "otk_phone" // in phone-auth only
	noKey    = "-"
)

func keyOf(s otp.Scope) string { return "otk_" + string(s) }

func keyring() httpapi.Keyring {
	ring := httpapi.Keyring{
		httpapi.HashKey(keyAll):   {Name: "all", Scopes: otp.Scopes},
		httpapi.HashKey(keyOther): {Name: "other", Scopes: otp.Scopes},
		httpapi.HashKey(keyPhone): {Name: "phone", Scopes: otp.Scopes, Namespaces: []otp.Namespace{otp.PhoneAuth}},
	}
	for _, s := range otp.Scopes {
		ring[httpapi.HashKey(keyOf(s))] = otp.Caller{Name: "only-" + string(s), Scopes: []otp.Scope{s}}
	}
	return ring
}

// rig is the face over the real service and the real store, behind a listener,
// with a clock that the test moves.
type rig struct {
	t       testing.TB
	rdb     *redis.Client
	store   *redisstore.Store
	keys    otp.Keys
	service *verify.Service
	factors *totp.Service
	ringer  *ringer
	metrics *telemetry.Metrics
	log     *journal
	server  *httptest.Server
	ahead   atomic.Int64

	mu      sync.Mutex
	secrets []string // no answer may hold them
}

func newRig(t testing.TB) *rig { return newRigOn(t, redistest.Client(t)) }

func newRigOn(t testing.TB, rdb *redis.Client) *rig {
	t.Helper()
	r := &rig{t: t, rdb: rdb, keys: secretKeys(t), ringer: &ringer{}, log: &journal{}, secrets: []string{phone[1:], "anna.berg"}}
	r.store = &redisstore.Store{
		Redis: rdb, Retention: 72 * time.Hour, EventsKept: 10_000,
		Offset: func() time.Duration { return time.Duration(r.ahead.Load()) },
	}
	namespaces := otp.BuiltIn()
	for ns, p := range namespaces {
		p.Countries = []string{"DE", "GB"}
		namespaces[ns] = p
	}
	signed := namespaces[otp.PhoneAuth]
	signed.Session = otp.SignedSession
	namespaces["signed"] = signed
	composer, err := message.New(templates.FS, namespaces, message.Settings{Params: map[string]string{"brand": "Example"}})
	if err != nil {
		t.Fatal(err)
	}
	r.metrics = telemetry.New("test", namespaces, nil)
	r.service = &verify.Service{
		Verifications: r.metrics.Verifications(r.store), Sessions: r.store, Signer: signer(r.keys), Journal: r.store, Locks: r.store, Repeats: r.store,
		Ringer: r.ringer, Templates: composer, Addresses: address.Parse, Place: address.Atlas{}.Place,
		Namespaces: namespaces, Rates: []otp.Rate{{Name: "per-ip", By: []otp.Dimension{otp.ByIP}, Max: 2, Interval: time.Hour}}, Keys: r.keys, Partitions: 16,
	}
	r.factors = r.newFactors(namespaces)
	r.server = serve(t, r.api(r.service).Handler())
	return r
}

func signer(keys otp.Keys) jwtsession.Signer {
	return jwtsession.Signer{Ring: keys.Sign, Issuer: "https://otp.example.com", Now: time.Now}
}

// api is the face over any verifier.
func (r *rig) api(v httpapi.Verifier) *httpapi.API {
	return &httpapi.API{
		Verifier: v, Factors: r.factors, Receiver: &deliver.Desk{Receipts: r.store, Ringer: r.ringer},
		Receipts: map[string]httpapi.ReceiptReader{
			"twilio": twilio.Receipts{AccountName: "twilio", AccountSID: accountSID, Tokens: []string{authToken}, PublicURL: publicURL},
		},
		Providers: &deliver.Providers{Orders: r.store, Accounts: []deliver.Account{
			{Name: "twilio", Driver: "twilio", Channels: []otp.Channel{otp.SMS}},
			{Name: "smtp", Driver: "smtp", Channels: []otp.Channel{otp.Email}},
		}},
		Auditor:   r.auditor(),
		JWKS:      signer(r.keys),
		Explainer: support.Explainer{Words: func(string) string { return "" }}, Keys: keyring(), Version: "test",
		Log: slog.New(telemetry.LogHandler(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}
}

// auditor searches a trail that has all that happened until then.
func (r *rig) auditor() httpapi.Auditor {
	r.t.Helper()
	db, err := sqlstore.OpenSQLite(r.t.Context(), filepath.Join(r.t.TempDir(), "audit.db"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = db.Close() })
	return upToDate{r, db}
}

type upToDate struct {
	r  *rig
	db *sqlstore.DB
}

func (u upToDate) Search(ctx context.Context, who otp.Caller, q audit.SearchRequest) (audit.Page, error) {
	s := audit.Searcher{Library: u.db, Teller: u.r.store, Keys: u.r.keys, Addresses: func(text string) (otp.Recipient, error) { return address.Parse(otp.SMS, text) }}
	if page, err := s.Search(ctx, who, q); err != nil {
		return page, err
	}
	exporting, stop := context.WithCancel(ctx)
	defer stop()
	e := audit.Exporter{
		Events: u.r.store, Archive: u.db, Keys: u.r.keys, Partitions: 16, Holder: "test", Log: slog.New(slog.DiscardHandler),
		Kept: func(int) {}, Missed: func(int) {}, Failing: func(bool) {}, Behind: func(time.Duration) { stop() }, // after one round
	}
	e.Run(exporting)
	return s.Search(ctx, who, q)
}

func serve(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	s.Start()
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 100
	t.Cleanup(s.Close)
	return s
}

func secretKeys(t testing.TB) otp.Keys {
	t.Helper()
	master, err := otp.NewKey("k1", bytes.Repeat([]byte("m"), otp.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := otp.NewKey("anchor", bytes.Repeat([]byte("a"), otp.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := otp.NewRing("k1", master)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := otp.DeriveKeys(ring, anchor)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (r *rig) pass(d time.Duration) { r.ahead.Add(int64(d)) }

// ringer remembers what was rung for.
type ringer struct {
	mu   sync.Mutex
	rung []otp.Due
}

func (r *ringer) Ring(_ context.Context, d otp.Due) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rung = append(r.rung, d)
}

func (r *ringer) all() []otp.Due {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]otp.Due(nil), r.rung...)
}

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// toPhone and toMail are the smallest starts.
var (
	toPhone = fields{"namespace": "phone-auth", "to": phone}
	toMail  = fields{"namespace": "verify-email", "to": mailbox}
)

func (r *rig) start(body fields) answer {
	r.t.Helper()
	return r.do(request{path: "/v1/verifications", body: body})
}

// started starts a verification and learns its code as a worker would.
func (r *rig) started(body fields) (id, code string) {
	r.t.Helper()
	a := r.start(body).want(http.StatusAccepted, "")
	return a.text("id"), r.code(a)
}

// code claims the send of a start and opens its code.
func (r *rig) code(started answer) string {
	r.t.Helper()
	code, _ := r.open(started)
	return code
}

func (r *rig) open(started answer) (string, otp.Letter) {
	r.t.Helper()
	c := r.claim(started)
	code, err := r.keys.OpenCode(c.Owner, c.Code)
	if err != nil {
		r.t.Fatal(err)
	}
	letter, err := r.keys.OpenLetter(c.Owner, c.Letter)
	if err != nil {
		r.t.Fatal(err)
	}
	r.hide(code.Reveal())
	return code.Reveal(), letter
}

func (r *rig) claim(started answer) otp.Claim {
	r.t.Helper()
	send, _ := started.body["send"].(float64)
	c, ok, err := r.store.Claim(r.t.Context(), otp.Order{ID: otp.ID(started.text("id")), Send: int(send)}, "worker")
	if err != nil || !ok {
		r.t.Fatalf("claim: %v, %v", ok, err)
	}
	return c
}

// hand hands a claimed send over to a provider that takes it.
func (r *rig) hand(started answer, ref string) {
	r.t.Helper()
	c := r.claim(started)
	if _, err := r.store.Begin(r.t.Context(), c, 1, "twilio"); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.store.Finish(r.t.Context(), otp.Outcome{Order: c.Order, Attempt: 1, State: otp.Accepted, Ref: ref}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) check(body fields) answer {
	r.t.Helper()
	return r.do(request{path: "/v1/verifications/check", body: body})
}

func (r *rig) get(id string) answer {
	r.t.Helper()
	return r.do(request{method: http.MethodGet, path: "/v1/verifications/" + id})
}

func (r *rig) cancel(id string) answer {
	r.t.Helper()
	return r.do(request{path: "/v1/verifications/" + id + "/cancel"})
}

// wrong is a code of the right form that is not the code.
func wrong(code string) string {
	last := code[len(code)-1]
	return code[:len(code)-1] + string('0'+(last-'0'+1)%10)
}

// contents is everything in the database.
func (r *rig) contents() map[string]string {
	r.t.Helper()
	ctx := r.t.Context()
	all := map[string]string{}
	for _, key := range r.rdb.Keys(ctx, "*").Val() {
		var v any
		var err error
		switch kind := r.rdb.Type(ctx, key).Val(); kind {
		case "string":
			v, err = r.rdb.Get(ctx, key).Result()
		case "hash":
			v, err = r.rdb.HGetAll(ctx, key).Result()
		case "list":
			v, err = r.rdb.LRange(ctx, key, 0, -1).Result()
		case "zset":
			v, err = r.rdb.ZRangeWithScores(ctx, key, 0, -1).Result()
		case "stream":
			v, err = r.rdb.XRange(ctx, key, "-", "+").Result()
		default:
			r.t.Fatalf("%s is a %s", key, kind)
		}
		if err != nil {
			r.t.Fatal(err)
		}
		all[key] = fmt.Sprint(v)
	}
	return all
}

// untouched fails the test if what is in the database is not what was before.
func (r *rig) untouched(before map[string]string, why string, but ...string) {
	r.t.Helper()
	after := r.contents()
	for _, key := range but {
		delete(after, key)
	}
	if !maps.Equal(before, after) {
		r.t.Errorf("%s: something was written: %d keys before, %d after", why, len(before), len(after))
	}
}
