// Package storetest is what every resting place of a code's digest has to do, asked
// of the service that products talk to. It is imported by tests alone.
package storetest

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/jwestore"
	"github.com/otpipe/otpipe/internal/jwtsession"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/internal/verify"
)

// Namespace is that of the suite's codes.
const Namespace otp.Namespace = "kept"

// Phone is whose codes they are.
const Phone = "+4915112345678"

// Place is where digests are kept, with all that is around it.
type Place struct {
	*verify.Service
	Store *redisstore.Store
	Codes verify.Codes // as the service is to have them; nil if none are in a database

	policy otp.Policy
	codes  func(*Place) verify.Codes
	ahead  atomic.Int64
	mu     sync.Mutex
	drawn  otp.Code // of the last start
}

// Open makes a place over a Redis of its own. codes opens the database's anew, as a
// process that starts does; it is nil where there is none.
func Open(t testing.TB, at otp.CodesAt, codes func(*Place) verify.Codes, change func(*otp.Policy)) *Place {
	t.Helper()
	p := &Place{codes: codes, policy: otp.DefaultPolicy()}
	p.policy.Codes, p.policy.Countries = at, []string{"DE"}
	p.policy.Cooldown, p.policy.AllCooldown = 0, 0
	if change != nil {
		change(&p.policy)
	}
	if err := p.policy.Check(); err != nil {
		t.Fatal(err)
	}
	p.Store = &redisstore.Store{Redis: redistest.Client(t), Retention: time.Hour, EventsKept: 100, Offset: p.Ahead}
	p.Restart(Keys(t, "k1"))
	return p
}

// Ahead is how far time has been moved.
func (p *Place) Ahead() time.Duration { return time.Duration(p.ahead.Load()) }

// Pass moves time.
func (p *Place) Pass(d time.Duration) { p.ahead.Add(int64(d)) }

// Now is by that time.
func (p *Place) Now() time.Time { return time.Now().Add(p.Ahead()) }

// Restart has a new process take over, with these keys.
func (p *Place) Restart(k otp.Keys) {
	e := &verify.Elsewhere{Guesses: p.Store, Keys: k, Now: p.Now, Tickets: jwestore.Tickets{Ring: k.Ticket, Now: p.Now}}
	if p.codes != nil {
		p.Codes = p.codes(p)
		e.Codes = p.Codes
	}
	p.Service = &verify.Service{
		Verifications: spy{e, p, k}, Sessions: p.Store, Journal: p.Store, Locks: p.Store, Repeats: p.Store,
		Signer: jwtsession.Signer{Ring: k.Sign, Now: p.Now}, Ringer: deaf{}, Templates: plain{}, Addresses: address.Parse, Place: address.Atlas{}.Place,
		Namespaces: map[otp.Namespace]otp.Policy{Namespace: p.policy}, Keys: k, Partitions: 16,
	}
}

// everybody may do everything.
var everybody = otp.Caller{Name: "backend", Scopes: []otp.Scope{otp.ScopeSend, otp.ScopeCheck}}

// Started is a code that was asked for, and what goes with it.
type Started struct {
	verify.Started
	Code string
}

// Ask asks for a code.
func (p *Place) Ask(t testing.TB) Started {
	t.Helper()
	s, err := p.Start(t.Context(), everybody, verify.StartRequest{Namespace: Namespace, To: Phone})
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return Started{s, p.drawn.Reveal()}
}

// Guess checks a code with the ticket of a start.
func (p *Place) Guess(s Started, code string) (verify.Checked, error) {
	return p.Check(context.Background(), everybody, verify.CheckRequest{Namespace: Namespace, To: Phone, Code: code, Ticket: s.Ticket})
}

// Want checks a code, whose verdict shall be this; "" is right.
func (p *Place) Want(t testing.TB, s Started, code string, want otp.Reason) verify.Checked {
	t.Helper()
	c, err := p.Guess(s, code)
	if err != nil {
		t.Fatal(err)
	}
	if c.Reason != want || c.Right() != (want == "") {
		t.Errorf("%q, want %q", c.Reason, want)
	}
	return c
}

// Wrong is another code.
func Wrong(code string) string {
	if code[0] == '0' {
		return "1" + code[1:]
	}
	return "0" + code[1:]
}

// spy learns the code on its way, as the person does who gets the message.
type spy struct {
	verify.Verifications
	place *Place
	keys  otp.Keys
}

func (s spy) Start(ctx context.Context, o otp.Opening) (otp.Opened, error) {
	opened, err := s.Verifications.Start(ctx, o)
	if err != nil {
		return opened, err
	}
	code, err := s.keys.OpenCode(o.Owner, o.Code)
	s.place.mu.Lock()
	defer s.place.mu.Unlock()
	if err == nil && (!opened.Resent || s.place.policy.Resend == otp.Rotate) {
		s.place.drawn = code
	}
	return opened, err
}

type deaf struct{}

func (deaf) Ring(context.Context, otp.Due) {}

type plain struct{}

func (plain) Declares(otp.Namespace, otp.Channel) []string { return nil }

// Keys are of a ring of these, the primary first.
func Keys(t testing.TB, ids ...string) otp.Keys {
	t.Helper()
	var all []otp.Key
	for _, id := range ids {
		k, err := otp.NewKey(id, bytes.Repeat([]byte(id), otp.KeySize/len(id)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	ring, err := otp.NewRing(ids[0], all...)
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := otp.NewKey("anchor", bytes.Repeat([]byte("a1b2"), otp.KeySize/4))
	if err != nil {
		t.Fatal(err)
	}
	k, err := otp.DeriveKeys(ring, anchor)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
