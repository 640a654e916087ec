package verify_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/jwtsession"
	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/internal/verify"
	"github.com/otpipe/otpipe/templates"
)

const phone = "+4915112345678"

var everybody = otp.Caller{Name: "all", Scopes: otp.Scopes}

// rig is the service over the real store, with what went in between written down.
type rig struct {
	*verify.Service
	t     *testing.T
	store *redisstore.Store

	mu       sync.Mutex
	openings []otp.Opening
	guesses  []otp.Guess
	rung     []otp.Due
	failing  error // what the store answers, if set
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, store: &redisstore.Store{Redis: redistest.Client(t), Retention: time.Hour, EventsKept: 100}}
	namespaces := otp.BuiltIn()
	for ns, p := range namespaces {
		p.Countries = []string{"DE", "GB"}
		namespaces[ns] = p
	}
	composer, err := message.New(templates.FS, namespaces, message.Settings{Params: map[string]string{"brand": "Example"}})
	if err != nil {
		t.Fatal(err)
	}
	r.Service = &verify.Service{
		Verifications: watched{r.store, r}, Sessions: r.store, Signer: jwtsession.Signer{Ring: keys(t, "k1").Sign, Now: time.Now}, Journal: r.store, Locks: r.store, Repeats: r.store,
		Ringer: r, Templates: composer, Addresses: address.Parse, Place: address.Atlas{Disposable: address.Domains{"gone.example": true}}.Place, Namespaces: namespaces,
		Keys: keys(t, "k1"), Partitions: 16,
	}
	return r
}

func keys(t *testing.T, primary string, more ...string) otp.Keys {
	t.Helper()
	var all []otp.Key
	for _, id := range append([]string{primary}, more...) {
		k, err := otp.NewKey(id, bytes.Repeat([]byte(id[1:]), otp.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	ring, err := otp.NewRing(primary, all...)
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := otp.NewKey("anchor", bytes.Repeat([]byte("a"), otp.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	made, err := otp.DeriveKeys(ring, anchor)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// watched is the store, and tells what it was asked.
type watched struct {
	verify.Verifications
	r *rig
}

func (w watched) Start(ctx context.Context, o otp.Opening) (otp.Opened, error) {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	w.r.openings = append(w.r.openings, o)
	if w.r.failing != nil {
		return otp.Opened{}, w.r.failing
	}
	return w.Verifications.Start(ctx, o)
}

func (w watched) Check(ctx context.Context, g otp.Guess) (otp.Verdict, error) {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	w.r.guesses = append(w.r.guesses, g)
	if w.r.failing != nil {
		return otp.Verdict{}, w.r.failing
	}
	return w.Verifications.Check(ctx, g)
}

func (r *rig) Ring(_ context.Context, d otp.Due) { r.rung = append(r.rung, d) }

func toPhone() verify.StartRequest {
	return verify.StartRequest{Namespace: otp.PhoneAuth, To: phone, Nonce: otp.NewNonce()}
}

func (r *rig) started(q verify.StartRequest) verify.Started {
	r.t.Helper()
	s, err := r.Start(r.t.Context(), everybody, q)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// code opens the code that an opening carries.
func (r *rig) code(o otp.Opening) otp.Code {
	r.t.Helper()
	c, err := r.Keys.OpenCode(o.Owner, o.Code)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) letter(o otp.Opening) otp.Letter {
	r.t.Helper()
	l, err := r.Keys.OpenLetter(o.Owner, o.Letter)
	if err != nil {
		r.t.Fatal(err)
	}
	return l
}

func TestTheStoreGetsTheCodeSealedAndItsDigestOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := toPhone()
	q.Binding, q.Locale, q.Params = "browser-1", "de", map[string]string{"brand": "Shop"}
	s := r.started(q)
	o := r.openings[0]
	code := r.code(o)
	if len(code.Reveal()) != 6 || o.Digest != r.Keys.DigestOf(o.Owner, code) || o.Nonce != q.Nonce || o.Masked != s.Masked {
		t.Errorf("opening of %s", o.ID)
	}
	if l := r.letter(o); l.To.Reveal() != phone || l.Locale != "de" || l.Params["brand"] != "Shop" {
		t.Errorf("letter %v", l)
	}
	to, err := address.Parse(otp.SMS, phone)
	if err != nil {
		t.Fatal(err)
	}
	if want := r.Keys.Owner(otp.PhoneAuth, to, "browser-1", 16); o.Owner.Binding != want.Binding || o.Owner.Anchor != want.Anchor || o.ID.Partition() != want.Partition {
		t.Errorf("owner %v", o.Owner)
	}
}

func TestCodesHaveThePolicysDigits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.Namespaces[otp.PhoneAuth]
	p.Digits = 8
	r.Namespaces[otp.PhoneAuth] = p
	s := r.started(toPhone())
	code := r.code(r.openings[0]).Reveal()
	if len(code) != 8 {
		t.Fatalf("%d digits", len(code))
	}
	check := verify.CheckRequest{ID: s.Order.ID, Code: code[:6], Nonce: otp.NewNonce()}
	if _, err := r.Check(t.Context(), everybody, check); !errors.Is(err, otp.ErrCodeFormat) {
		t.Errorf("six digits: %v", err)
	}
	check.Code = code
	if c, err := r.Check(t.Context(), everybody, check); err != nil || !c.Right() {
		t.Errorf("eight digits: %v, %v", c, err)
	}
}

func TestOnlyASendThatIsQueuedIsRungFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var ahead time.Duration
	r.store.Offset = func() time.Duration { return ahead }
	first := r.started(toPhone())
	if len(r.rung) != 1 || r.rung[0].Order != first.Order || r.rung[0].Channel != otp.SMS {
		t.Fatalf("rung %v", r.rung)
	}
	ctx := t.Context()
	c, ok, err := r.store.Claim(ctx, first.Order, "w")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, err := r.store.Begin(ctx, c, 1, "twilio"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Finish(ctx, otp.Outcome{Order: c.Order, Attempt: 1, State: otp.Failed, Class: otp.FaultRecipient, Permanent: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Start(ctx, everybody, toPhone()); err == nil {
		t.Fatal("admitted within the cooldown")
	}
	ahead = time.Minute
	if s := r.started(toPhone()); s.State != otp.SendSuppressed {
		t.Fatalf("state %s", s.State)
	}
	if len(r.rung) != 1 {
		t.Errorf("rung for what is not sent: %v", r.rung)
	}
}

func TestWhatIsRefusedNeverReachesTheStore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	limited := otp.Caller{Name: "limited", Namespaces: []otp.Namespace{otp.AddEmail}}
	for name, c := range map[string]struct {
		who    otp.Caller
		change func(*verify.StartRequest)
		want   error
	}{
		"a foreign namespace":            {limited, func(*verify.StartRequest) {}, otp.ErrNamespaceForbidden},
		"an unknown one, to who may not": {limited, func(q *verify.StartRequest) { q.Namespace = "nope" }, otp.ErrNamespaceForbidden},
		"an unknown namespace":           {everybody, func(q *verify.StartRequest) { q.Namespace = "nope" }, otp.ErrNamespaceNotFound},
		"an unknown channel":             {everybody, func(q *verify.StartRequest) { q.Channel = "pigeon" }, otp.ErrChannelNotAllowed},
		"a param in another encoding":    {everybody, func(q *verify.StartRequest) { q.Params = map[string]string{"brand": "\xff"} }, otp.ErrInvalid},
		"a recipient in another one":     {everybody, func(q *verify.StartRequest) { q.To = "\xff" }, otp.ErrInvalidRecipient},
		"no recipient":                   {everybody, func(q *verify.StartRequest) { q.To = "" }, otp.ErrInvalidRecipient},
	} {
		q := toPhone()
		c.change(&q)
		if _, err := r.Start(t.Context(), c.who, q); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(r.openings) > 0 || len(r.rung) > 0 {
		t.Errorf("%d openings, %d rung", len(r.openings), len(r.rung))
	}
}

func TestTheStoresErrorsPassThrough(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, failing := range []error{otp.ErrStoreUnavailable, &otp.LimitError{Limit: otp.LimitCooldown}} {
		r.failing = failing
		if _, err := r.Start(t.Context(), everybody, toPhone()); !errors.Is(err, failing) {
			t.Errorf("start: %v", err)
		}
		q := verify.CheckRequest{Namespace: otp.PhoneAuth, To: phone, Code: "739182", Nonce: otp.NewNonce()}
		if _, err := r.Check(t.Context(), everybody, q); !errors.Is(err, failing) {
			t.Errorf("check: %v", err)
		}
	}
	if len(r.rung) > 0 {
		t.Errorf("rung %v", r.rung)
	}
}

func TestNoErrorQuotesWhatWasAsked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const canary = "739182 +4915199887766"
	q := toPhone()
	for name, change := range map[string]func(*verify.StartRequest){
		"namespace": func(q *verify.StartRequest) { q.Namespace = canary },
		"to":        func(q *verify.StartRequest) { q.To = canary },
		"channel":   func(q *verify.StartRequest) { q.Channel = canary },
		"locale":    func(q *verify.StartRequest) { q.Locale = canary },
		"param":     func(q *verify.StartRequest) { q.Params = map[string]string{"brand": canary + "\n"} },
		"a name":    func(q *verify.StartRequest) { q.Params = map[string]string{canary: "a"} },
		"binding":   func(q *verify.StartRequest) { q.Binding = strings.Repeat(canary, 20) },
	} {
		bad := q
		change(&bad)
		_, err := r.Start(t.Context(), everybody, bad)
		if err == nil || strings.Contains(err.Error(), "739182") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := r.Check(t.Context(), everybody, verify.CheckRequest{Namespace: otp.PhoneAuth, To: phone, Code: canary})
	if err == nil || strings.Contains(err.Error(), "739182") {
		t.Errorf("code: %v", err)
	}
}

func TestAnAnswerGivenAgainCarriesTheTokenOfTheKeyThatMadeIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.started(toPhone())
	q := verify.CheckRequest{ID: s.Order.ID, Code: r.code(r.openings[0]).Reveal(), Nonce: otp.NewNonce()}
	first, err := r.Check(t.Context(), everybody, q)
	if err != nil || !first.Right() {
		t.Fatal(first, err)
	}
	r.Keys = keys(t, "k2", "k1") // a new primary, the old one still in the ring
	again, err := r.Check(t.Context(), everybody, q)
	if err != nil || again.Token.Reveal() != first.Token.Reveal() {
		t.Errorf("another token: %v", err)
	}
	session, err := r.Session(t.Context(), everybody, again.Token.Reveal(), otp.PhoneAuth, phone, false)
	if err != nil || session.ID != s.Order.ID {
		t.Errorf("session %v, %v", session, err)
	}
}

func TestACodeIsComparedUnderEveryLiveKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.started(toPhone())
	code := r.code(r.openings[0]).Reveal()
	r.Keys = keys(t, "k2", "k1")
	c, err := r.Check(t.Context(), everybody, verify.CheckRequest{Namespace: otp.PhoneAuth, To: phone, Code: code, Nonce: otp.NewNonce()})
	if err != nil || !c.Right() || c.ID != s.Order.ID {
		t.Errorf("%v, %v", c, err)
	}
	if got := len(r.guesses[0].Digests); got != 2 {
		t.Errorf("%d digests", got)
	}
}

func TestBindingsAreAsLongAsDesignedWhereverTheyStand(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	long := strings.Repeat("ü", 129)
	for name, ask := range map[string]func(binding string) error{
		"start": func(b string) error {
			q := toPhone()
			q.Binding = b
			_, err := r.Start(t.Context(), everybody, q)
			return err
		},
		"check": func(b string) error {
			_, err := r.Check(t.Context(), everybody, verify.CheckRequest{Namespace: otp.PhoneAuth, To: phone, Code: "739182", Binding: b, Nonce: otp.NewNonce()})
			return err
		},
		"unlock": func(b string) error {
			_, err := r.Unlock(t.Context(), everybody, otp.PhoneAuth, phone, b, "ticket")
			return err
		},
	} {
		if err := ask(long); !errors.Is(err, otp.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if err := ask(long[:256]); err != nil {
			t.Errorf("%s with 256 bytes: %v", name, err)
		}
	}
}

func TestUnlockIsForTheCallersNamespaces(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	who := otp.Caller{Namespaces: []otp.Namespace{otp.AddEmail}}
	if _, err := r.Unlock(t.Context(), who, otp.PhoneAuth, phone, "", "ticket"); !errors.Is(err, otp.ErrNamespaceForbidden) {
		t.Errorf("%v", err)
	}
	if _, err := r.Session(t.Context(), who, "ots_", otp.PhoneAuth, phone, true); !errors.Is(err, otp.ErrNamespaceForbidden) {
		t.Errorf("%v", err)
	}
}
