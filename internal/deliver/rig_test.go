package deliver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/breaker"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/templates"
)

const (
	number  = "+4915112345678"
	mailbox = "ada@example.com"
	digits  = "482915"
)

// rig is a courier on a store whose clock the test moves. The providers alone
// are made up.
type rig struct {
	t        *testing.T
	store    *redisstore.Store
	keys     otp.Keys
	courier  *deliver.Courier
	stopping chan struct{}
	log      *logbook
	ahead    atomic.Int64
	bell     doorbell // the courier's
	decoys   bool     // letters are

	mu    sync.Mutex
	ended []string // channel and state of what the courier counted
}

// newRig makes a courier whose route for texts and for mails has these providers.
func newRig(t *testing.T, route ...*provider) *rig {
	t.Helper()
	t.Parallel()
	r := &rig{t: t, keys: keysOf(t, "k"), stopping: make(chan struct{}), log: &logbook{}}
	r.store = &redisstore.Store{
		Redis: redistest.Client(t), Retention: 72 * time.Hour, EventsKept: 10_000,
		Offset: func() time.Duration { return time.Duration(r.ahead.Load()) },
	}
	return r.hire(t, route)
}

// newRigOn makes another worker's courier on the same store.
func newRigOn(t *testing.T, one *rig, route ...*provider) *rig {
	t.Helper()
	return (&rig{t: t, keys: one.keys, store: one.store, stopping: make(chan struct{}), log: &logbook{}}).hire(t, route)
}

// hire makes the courier.
func (r *rig) hire(t *testing.T, route []*provider) *rig {
	t.Helper()
	composer, err := message.New(templates.FS, otp.BuiltIn(), message.Settings{Params: map[string]string{"brand": "Example"}})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	gate := &deliver.Gate{Standings: r.store, Breakers: map[deliver.Line]deliver.Breaker{}, Limits: map[string]deliver.Limit{}, Log: log}
	r.courier = &deliver.Courier{
		Sends: r.store, Receipts: r.store, Composer: composer, Keys: r.keys, Providers: map[string]otp.Provider{}, Gate: gate,
		Routes: otp.Routes{Default: map[otp.Channel][]string{}}, Stopping: r.stopping, Ended: r.end, Log: log,
		Ringer: &r.bell, Policies: map[otp.Namespace]otp.Policy{otp.ForgotPassword: otp.DefaultPolicy()}, Partitions: 16,
		Country: address.Country,
	}
	for _, p := range route {
		r.courier.Providers[p.name] = p
		gate.Providers = append(gate.Providers, p.name)
		for _, ch := range otp.Channels {
			line := deliver.Line{Provider: p.name, Channel: ch}
			r.courier.Routes.Default[ch] = append(r.courier.Routes.Default[ch], p.name)
			gate.Breakers[line] = breaker.New(patient, deliver.HandOver, func(string) {})
		}
	}
	return r
}

// patient is a breaker that no test opens by the way.
var patient = breaker.Settings{Failures: 1000, Ratio: 1, Least: 1000, Window: time.Minute, Open: time.Second, Probes: 1}

// end writes down which sends the courier says it has ended.
func (r *rig) end(ch otp.Channel, state otp.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, string(ch)+" "+string(state))
}

// keysOf makes keys whose secret is a letter over and over, and their name too.
func keysOf(t *testing.T, letter string) otp.Keys {
	t.Helper()
	key, err := otp.NewKey(letter, bytes.Repeat([]byte(letter), otp.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := otp.NewKey("anchor", bytes.Repeat([]byte("a"), otp.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := otp.NewRing(letter, key)
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

func phone(address string) otp.Recipient {
	return otp.NewRecipient(otp.SMS, address, address, "+49•••")
}

func email() otp.Recipient { return otp.NewRecipient(otp.Email, mailbox, mailbox, "a•••") }

// start stages a send as the api does.
func (r *rig) start(to otp.Recipient) otp.Opened {
	r.t.Helper()
	return r.startIn(to, 16)
}

func (r *rig) startIn(to otp.Recipient, partitions int, elsewhere ...otp.Recipient) otp.Opened {
	r.t.Helper()
	o := r.keys.Owner(otp.ForgotPassword, to, "", partitions)
	code, err := otp.ParseCode(digits, len(digits))
	if err != nil {
		r.t.Fatal(err)
	}
	letter, err := r.keys.SealLetter(o, otp.Letter{To: to, Locale: "en", Decoy: r.decoys})
	if err != nil {
		r.t.Fatal(err)
	}
	var fallbacks []otp.Fallback
	for _, f := range elsewhere {
		letter, err := r.keys.SealLetter(o, otp.Letter{To: f, Locale: "en"})
		if err != nil {
			r.t.Fatal(err)
		}
		fallbacks = append(fallbacks, otp.Fallback{Channel: f.Channel(), Masked: f.Masked(), Letter: letter})
	}
	opened, err := r.store.Start(r.t.Context(), otp.Opening{
		Fallbacks: fallbacks, Owner: o, ID: otp.NewID(o.Partition), Policy: otp.DefaultPolicy(), Channel: to.Channel(), Masked: to.Masked(),
		Nonce: otp.NewNonce(), Digest: r.keys.DigestOf(o, code), Code: r.keys.SealCode(o, code), Letter: letter,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return opened
}

// sms stages a text.
func (r *rig) sms() otp.Order {
	r.t.Helper()
	return r.start(phone(number)).Order
}

// done runs the courier and wants nothing left to do.
func (r *rig) done(o otp.Order) {
	r.t.Helper()
	if err := r.courier.Deliver(r.t.Context(), o); err != nil {
		r.t.Fatalf("deliver: %v", err)
	}
}

// again runs the courier and wants it to come back after a while.
func (r *rig) again(o otp.Order, after time.Duration) {
	r.t.Helper()
	err := r.courier.Deliver(r.t.Context(), o)
	re, ok := errors.AsType[*deliver.RetryError](err)
	if !ok || re.After != after {
		r.t.Fatalf("deliver: %v, want another try in %s", err, after)
	}
}

func (r *rig) history(o otp.Order) otp.History {
	r.t.Helper()
	h, err := r.store.Find(r.t.Context(), o.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

// wrote wants these attempts in the store, as "provider state", and how the send stands.
func (r *rig) wrote(o otp.Order, status otp.State, attempts ...string) {
	r.t.Helper()
	s := r.history(o).Sends[o.Send-1]
	var got []string
	for _, a := range s.Attempts {
		got = append(got, a.Provider+" "+string(a.State))
	}
	if d := cmp.Diff(attempts, got, cmpopts.EquateEmpty()); d != "" {
		r.t.Fatalf("attempts: %s", d)
	}
	if s.Status() != status {
		r.t.Fatalf("the send is %s, want %s", s.Status(), status)
	}
}

// reason is what the journal says about an attempt's end, or about the send's for 0.
func (r *rig) reason(o otp.Order, attempt int) (reason string) {
	r.t.Helper()
	for _, s := range r.history(o).Steps {
		if s.Send == o.Send && s.Attempt == attempt && s.State != "sending" {
			reason = s.Reason
		}
	}
	return reason
}

// logbook is a log that tests read.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logbook) count(text string) int { return strings.Count(l.String(), text) }

// answer is what a provider does with a message.
type answer func(ctx context.Context, m otp.Message) (otp.Acceptance, error)

// takes is a vendor that accepts.
func takes(state otp.State) answer {
	return func(_ context.Context, m otp.Message) (otp.Acceptance, error) {
		return otp.Acceptance{Ref: fmt.Sprint("ref-", m.Attempt), State: state}, nil
	}
}

// refuses is a vendor that does not, in words that quote everything.
func refuses(class otp.Class) answer {
	return func(_ context.Context, m otp.Message) (otp.Acceptance, error) {
		return otp.Acceptance{}, &otp.Fault{
			Class: class, Provider: "vendor", Code: "vendor_" + string(class),
			Err: fmt.Errorf("cannot send %q to %s", m.Text, m.To.Reveal()),
		}
	}
}

// first does something before it answers.
func first(do func(), then answer) answer {
	return func(ctx context.Context, m otp.Message) (otp.Acceptance, error) {
		do()
		return then(ctx, m)
	}
}

// handOver is what a provider was given.
type handOver struct {
	message  otp.Message
	deadline time.Duration // from when it was given
}

// provider is a vendor that follows a script, whose last answer it repeats.
type provider struct {
	name   string
	script []answer

	mu  sync.Mutex
	got []handOver
}

func vendor(name string, script ...answer) *provider { return &provider{name: name, script: script} }

func (p *provider) Name() string { return p.name }

func (p *provider) Send(ctx context.Context, m otp.Message) (otp.Acceptance, error) {
	h := handOver{message: m}
	if end, ok := ctx.Deadline(); ok {
		h.deadline = time.Until(end)
	}
	p.mu.Lock()
	p.got = append(p.got, h)
	next := p.script[min(len(p.got), len(p.script))-1]
	p.mu.Unlock()
	return next(ctx, m)
}

// given wants these attempts to have been handed to the provider.
func (p *provider) given(t *testing.T, attempts ...int) {
	t.Helper()
	var got []int
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.got {
		got = append(got, h.message.Attempt)
	}
	if d := cmp.Diff(attempts, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("given to %s: %s", p.name, d)
	}
}

// shaky is the store behind a bad network: the calls that fail are named.
type shaky struct {
	deliver.Sends
	claim, begin, finish error
	finishes             int  // so many of them
	applied              bool // and yet they happened
	calls                atomic.Int32
}

func (s *shaky) Claim(ctx context.Context, o otp.Order, holder string) (otp.Claim, bool, error) {
	s.calls.Add(1)
	if s.claim != nil {
		return otp.Claim{}, false, s.claim
	}
	return s.Sends.Claim(ctx, o, holder)
}

func (s *shaky) Begin(ctx context.Context, c otp.Claim, attempt int, provider string) (time.Duration, error) {
	s.calls.Add(1)
	if s.begin != nil {
		return 0, s.begin
	}
	return s.Sends.Begin(ctx, c, attempt, provider)
}

func (s *shaky) Finish(ctx context.Context, o otp.Outcome) (bool, error) {
	s.calls.Add(1)
	if s.finish != nil && s.finishes > 0 {
		s.finishes--
		if s.applied {
			_, _ = s.Sends.Finish(ctx, o)
		}
		return false, s.finish
	}
	return s.Sends.Finish(ctx, o)
}

// composing is a composer that does something else first.
type composing struct {
	deliver.Composer
	do  func()
	err error
}

func (c composing) Compose(ns otp.Namespace, l otp.Letter, code otp.Code, left time.Duration) (otp.Message, error) {
	if c.do != nil {
		c.do()
	}
	if c.err != nil {
		return otp.Message{}, c.err
	}
	return c.Composer.Compose(ns, l, code, left)
}
