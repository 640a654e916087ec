package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Suite asks all of it of places that open makes.
func Suite(t *testing.T, open func(t *testing.T, change func(*otp.Policy)) *Place) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, open func(change func(*otp.Policy)) *Place){
		"a code is right once":                                       rightOnce,
		"of a hundred who know it one is right":                      oneWinner,
		"guesses are counted, also a hundred at once":                guessesAreCounted,
		"it is right until it expires, and not any more then":        expires,
		"one that was dropped is not right any more":                 dropped,
		"it outlives the process that made it":                       outlives,
		"it outlives the primary key":                                outlivesTheKey,
		"a resend carries the same code, and every message is right": resent,
		"a code that another replaced is not right any more":         replaced,
		"nothing is left in clear":                                   nothingInClear,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(change func(*otp.Policy)) *Place { return open(t, change) })
		})
	}
}

func rightOnce(t *testing.T, open func(func(*otp.Policy)) *Place) {
	p := open(nil)
	s := p.Ask(t)
	if c := p.Want(t, s, Wrong(s.Code), otp.CodeMismatch); c.ChecksLeft != 4 {
		t.Errorf("%d checks left", c.ChecksLeft)
	}
	c := p.Want(t, s, s.Code, "")
	owner := p.Keys.Owner(Namespace, mustParse(t), "", 16)
	if _, err := p.Store.Session(t.Context(), c.Token, owner, false); err != nil {
		t.Errorf("no session: %v", err)
	}
	p.Want(t, s, s.Code, otp.AlreadyUsed)
}

func oneWinner(t *testing.T, open func(func(*otp.Policy)) *Place) {
	p := open(func(p *otp.Policy) { p.MaxChecks, p.LockAfter = 20, 20 })
	s := p.Ask(t)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if c, err := p.Guess(s, s.Code); err == nil && c.Right() {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if n := won.Load(); n != 1 {
		t.Errorf("%d were right", n)
	}
}

func guessesAreCounted(t *testing.T, open func(func(*otp.Policy)) *Place) {
	p := open(nil)
	s := p.Ask(t)
	var compared atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if c, err := p.Guess(s, Wrong(s.Code)); err == nil && c.Reason == otp.CodeMismatch {
				compared.Add(1)
			}
		})
	}
	wg.Wait()
	if n := compared.Load(); n > 5 {
		t.Errorf("%d guesses were compared", n)
	}
	if c, err := p.Guess(s, s.Code); err == nil && c.Right() {
		t.Error("it is right after all guesses were made")
	}
}

func expires(t *testing.T, open func(func(*otp.Policy)) *Place) {
	p := open(nil)
	s := p.Ask(t)
	p.Pass(p.policy.Life - 3*time.Second)
	p.Want(t, s, Wrong(s.Code), otp.CodeMismatch)
	p.Pass(3 * time.Second)
	p.Want(t, s, s.Code, otp.CodeExpired)
	p = open(nil)
	s = p.Ask(t)
	p.Pass(p.policy.Life - 3*time.Second)
	p.Want(t, s, s.Code, "")
}

func dropped(t *testing.T, open func(func(*otp.Policy)) *Place) {
	p := open(nil)
	s := p.Ask(t)
	if err := p.Store.Cancel(t.Context(), s.Order.ID); err != nil {
		t.Fatal(err)
	}
	p.Want(t, s, s.Code, otp.WasCanceled)
}

func outlives(t *testing.T, open func(func(*otp.Policy)) *Place) {
	p := open(nil)
	s := p.Ask(t)
	p.Restart(p.Keys)
	p.Want(t, s, s.Code, "")
}

func outlivesTheKey(t *testing.T, open func(func(*otp.Policy)) *Place) {
	p := open(nil)
	s := p.Ask(t)
	p.Restart(Keys(t, "k2", "k1"))
	p.Want(t, s, s.Code, "")
}

func resent(t *testing.T, open func(func(*otp.Policy)) *Place) {
	p := open(nil)
	first := p.Ask(t)
	second := p.Ask(t)
	if !second.Resent || second.Code != first.Code {
		t.Fatalf("resent: %v", second.Resent)
	}
	p.Want(t, first, Wrong(first.Code), otp.CodeMismatch)
	p.Want(t, second, second.Code, "")
}

func replaced(t *testing.T, open func(func(*otp.Policy)) *Place) {
	p := open(func(p *otp.Policy) { p.Resend = otp.Rotate })
	first := p.Ask(t)
	second := p.Ask(t)
	if first.Code == second.Code {
		t.Skip("once in a million times they are the same")
	}
	p.Want(t, first, first.Code, otp.CodeMismatch)
	p.Want(t, second, first.Code, otp.CodeMismatch)
	p.Want(t, second, second.Code, "")
}

func nothingInClear(t *testing.T, open func(func(*otp.Policy)) *Place) {
	p := open(func(p *otp.Policy) { p.Digits = 10 })
	s := p.Ask(t)
	for _, key := range p.Store.Redis.Keys(t.Context(), "*").Val() {
		text, _ := p.Store.Redis.Dump(t.Context(), key).Result()
		holds(t, key, key+text, s.Code, Phone[1:])
	}
	holds(t, "the ticket", string(s.Ticket), s.Code, Phone[1:])
}
