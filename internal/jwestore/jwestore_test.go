package jwestore_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/otpipe/otpipe/internal/jwestore"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/storetest"
)

func open(t *testing.T, change func(*otp.Policy)) *storetest.Place {
	t.Helper()
	return storetest.Open(t, otp.CodesInToken, nil, change)
}

func TestCodesInTickets(t *testing.T) {
	t.Parallel()
	storetest.Suite(t, open)
}

// loose is a policy under which a check needs no store.
func loose(p *otp.Policy) { p.Session, p.Guard = otp.SignedSession, otp.NothingGuards }

// bad are tickets that are no good, though the code is right.
func bad(t *testing.T, p *storetest.Place, s storetest.Started) map[string]otp.Ticket {
	t.Helper()
	other := open(t, nil) // has the same keys
	foreign := other.Ask(t)
	parts := strings.Split(string(s.Ticket), ".")
	altered := parts[3][:4] + flipped(parts[3][4:5]) + parts[3][5:]
	tickets := jwestore.Tickets{Ring: p.Keys.Ticket, Now: p.Now}
	seal := func(change func(*otp.Sealable)) otp.Ticket {
		held, err := tickets.Open(s.Ticket, storetest.Namespace)
		if err != nil {
			t.Fatal(err)
		}
		change(&held)
		ticket, err := tickets.Seal(held)
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	return map[string]otp.Ticket{
		"none":                     "",
		"no ticket":                "ticket",
		"one of an endless length": otp.Ticket(strings.Repeat("a", 1<<20)),
		"an altered one":           otp.Ticket(strings.Join([]string{parts[0], parts[1], parts[2], altered, parts[4]}, ".")),
		"a truncated one":          otp.Ticket(strings.Join(parts[:4], ".")),
		"another person's code":    foreign.Ticket,
		"one of another namespace": seal(func(s *otp.Sealable) { s.Namespace = "other" }),
		"one for another person":   seal(func(s *otp.Sealable) { s.Anchor = "other" }),
		"one of another browser":   seal(func(s *otp.Sealable) { s.Binding = "other" }),
		"one that has expired":     seal(func(s *otp.Sealable) { s.ExpiresAt = p.Now().Add(-time.Second) }),
		"one of a key of theirs":   forge(t, bytes.Repeat([]byte("x"), otp.KeySize), s),
		"one that is not sealed":   unsealed(t),
	}
}

func flipped(c string) string {
	if c == "A" {
		return "B"
	}
	return "A"
}

func forge(t *testing.T, key []byte, s storetest.Started) otp.Ticket {
	t.Helper()
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: key, KeyID: "k1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Encrypted(e).Claims(jwt.Claims{Audience: jwt.Audience{string(storetest.Namespace)}, Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour)), Subject: string(s.Order.ID)}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return otp.Ticket(text)
}

func unsealed(t *testing.T) otp.Ticket {
	t.Helper()
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return otp.Ticket(encode(`{"alg":"none","kid":"k1"}`) + "." + encode(`{"aud":"kept","exp":9999999999}`) + ".")
}

func TestTicketsThatAreNoGoodGetOneAnswerAndAreCounted(t *testing.T) {
	t.Parallel()
	p := open(t, func(p *otp.Policy) { p.MaxChecks, p.LockAfter = 20, 20 })
	s := p.Ask(t)
	left := 20
	for name, ticket := range bad(t, p, s) {
		with := s
		with.Ticket = ticket
		c, err := p.Guess(with, s.Code)
		if left--; err != nil || c.Reason != otp.CodeMismatch || c.Status != otp.Pending || c.ChecksLeft != left {
			t.Errorf("%s: %+v, %v", name, c.Verdict, err)
		}
	}
	p.Want(t, s, s.Code, "")
	p.Want(t, s, s.Code, otp.AlreadyUsed)
}

func TestATicketTellsNothing(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	s := p.Ask(t)
	head, err := base64.RawURLEncoding.DecodeString(strings.Split(string(s.Ticket), ".")[0])
	if err != nil || string(head) != `{"alg":"dir","enc":"A256GCM","kid":"k1","typ":"JWT"}` {
		t.Errorf("%s, %v", head, err)
	}
	if len(s.Ticket) > 600 {
		t.Errorf("%d bytes", len(s.Ticket))
	}
	if again := p.Ask(t); again.Ticket == s.Ticket {
		t.Error("two tickets are one: the nonce is not fresh")
	}
}

// TestWithoutAGuardACheckLooksNothingUp has no store at all when it checks.
func TestWithoutAGuardACheckLooksNothingUp(t *testing.T) {
	t.Parallel()
	p := open(t, loose)
	s := p.Ask(t)
	if err := p.Store.Redis.Close(); err != nil {
		t.Fatal(err)
	}
	for name, ticket := range bad(t, p, s) {
		with := s
		with.Ticket = ticket
		if c, err := p.Guess(with, s.Code); err != nil || c.Reason != otp.CodeMismatch || c.Right() || c.ID != "" {
			t.Errorf("%s: %+v, %v", name, c.Verdict, err)
		}
	}
	p.Want(t, s, storetest.Wrong(s.Code), otp.CodeMismatch)
	for range 2 { // as often as it comes: that is what it costs
		c := p.Want(t, s, s.Code, "")
		if c.ID != s.Order.ID || !strings.HasPrefix(c.Token.Reveal(), "eyJ") {
			t.Errorf("%+v", c.Verdict)
		}
	}
	p.Pass(5 * time.Minute)
	p.Want(t, s, s.Code, otp.CodeMismatch)
}

func TestWhileTheStoreIsAwayAPolicySaysWhetherChecksGoOn(t *testing.T) {
	t.Parallel()
	closed := open(t, nil)
	s := closed.Ask(t)
	if err := closed.Store.Redis.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := closed.Guess(s, s.Code); !errors.Is(err, otp.ErrStoreUnavailable) {
		t.Errorf("closed: %v", err)
	}

	p := open(t, func(p *otp.Policy) { p.Session, p.Fail = otp.SignedSession, otp.FailOpen })
	one, two := p.Ask(t), p.Ask(t)
	if err := p.Store.Redis.Close(); err != nil {
		t.Fatal(err)
	}
	if c := p.Want(t, two, storetest.Wrong(two.Code), otp.CodeMismatch); c.ChecksLeft != 4 {
		t.Errorf("%d left", c.ChecksLeft)
	}
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if c, err := p.Guess(two, two.Code); err == nil && c.Right() {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d were right", won.Load())
	}
	p.Want(t, one, one.Code, otp.CodeMismatch) // it is the same code's
	p.Want(t, one, one.Code, otp.CodeMismatch) // and there are no guesses left
}

// TestWhoGuessesWhileTheStoreIsAwayHasSoManyGuesses as there are with it, in each
// process.
func TestWhoGuessesWhileTheStoreIsAwayHasSoManyGuesses(t *testing.T) {
	t.Parallel()
	p := open(t, func(p *otp.Policy) { p.Session, p.Fail = otp.SignedSession, otp.FailOpen })
	s := p.Ask(t)
	if err := p.Store.Redis.Close(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		p.Want(t, s, storetest.Wrong(s.Code), otp.CodeMismatch)
	}
	p.Want(t, s, s.Code, otp.CodeMismatch)
	p.Pass(16 * time.Minute)
	p.Want(t, s, s.Code, otp.CodeMismatch) // the ticket is over
}
