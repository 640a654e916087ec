package sqlstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/storetest"
	"github.com/otpipe/otpipe/internal/verify"
)

// moody is a database that may be away.
type moody struct {
	verify.Codes
	away atomic.Bool
}

func (m *moody) err() error {
	if m.away.Load() {
		return otp.ErrStoreUnavailable
	}
	return nil
}

func (m *moody) Put(ctx context.Context, slot otp.Slot, d otp.Digest, life time.Duration) error {
	if err := m.err(); err != nil {
		return err
	}
	return m.Codes.Put(ctx, slot, d, life)
}

func (m *moody) Take(ctx context.Context, slot otp.Slot, digests []otp.Digest) (bool, error) {
	if err := m.err(); err != nil {
		return false, err
	}
	return m.Codes.Take(ctx, slot, digests)
}

func openMoody(t *testing.T, change func(*otp.Policy)) (*storetest.Place, *moody) {
	t.Helper()
	m := &moody{}
	db := lazy(t, func(ctx context.Context) (*sqlstore.DB, error) { return sqlstore.OpenSQLite(ctx, t.TempDir()+"/a.db") })
	p := storetest.Open(t, otp.CodesInSQL, func(p *storetest.Place) verify.Codes {
		m.Codes = &sqlstore.Codes{DB: db, Patience: patience, Offset: p.Ahead}
		return m
	}, change)
	return p, m
}

func TestWhileTheDatabaseIsAwayNothingIsCountedAndNothingSent(t *testing.T) {
	t.Parallel()
	p, db := openMoody(t, nil)
	s := p.Ask(t)
	p.Want(t, s, storetest.Wrong(s.Code), otp.CodeMismatch)
	db.away.Store(true)
	for range 20 {
		if _, err := p.Guess(s, s.Code); !errors.Is(err, otp.ErrStoreUnavailable) {
			t.Fatalf("%v", err)
		}
	}
	if _, err := p.Start(t.Context(), otp.Caller{Name: "backend", Scopes: []otp.Scope{otp.ScopeSend}}, verify.StartRequest{Namespace: storetest.Namespace, To: "+4915112345679"}); !errors.Is(err, otp.ErrStoreUnavailable) {
		t.Errorf("a start: %v", err)
	}
	h, err := p.Store.Find(t.Context(), s.Order.ID)
	if err != nil || h.Checks != 1 {
		t.Errorf("%d guesses are counted, %v", h.Checks, err)
	}
	if n := len(p.Store.Redis.Keys(t.Context(), "*daily*").Val()); n != 2 {
		t.Errorf("%d quotas are charged", n)
	}
	db.away.Store(false)
	for range 3 {
		p.Want(t, s, storetest.Wrong(s.Code), otp.CodeMismatch)
	}
	p.Want(t, s, s.Code, "")
}

// guess is what the service asks the store.
func guess(t *testing.T, p *storetest.Place, s storetest.Started) otp.Guess {
	t.Helper()
	owner, err := p.Store.Locate(t.Context(), s.Order.ID)
	if err != nil {
		t.Fatal(err)
	}
	code, err := otp.ParseCode(s.Code, 6)
	if err != nil {
		t.Fatal(err)
	}
	n := otp.NewNonce()
	return otp.Guess{Owner: owner, ID: s.Order.ID, Digests: p.Keys.DigestsOf(owner, code), Policy: s.Policy, Nonce: n, Sessions: p.Keys.SessionsOf(owner, code, n)}
}

func TestAProcessThatDiesBeforeItComparesHasSpentAGuess(t *testing.T) {
	t.Parallel()
	p, _ := openMoody(t, nil)
	s := p.Ask(t)
	for range 2 {
		if _, _, decided, err := p.Store.Count(t.Context(), guess(t, p, s)); decided || err != nil {
			t.Fatal(decided, err)
		}
	}
	if c := p.Want(t, s, storetest.Wrong(s.Code), otp.CodeMismatch); c.ChecksLeft != 2 {
		t.Errorf("%d left", c.ChecksLeft)
	}
	p.Want(t, s, s.Code, "")
}

// TestGuessesThatNobodyFinishedLockAsFailedOnes: else whoever makes processes die
// could guess without end.
func TestGuessesThatNobodyFinishedLockAsFailedOnes(t *testing.T) {
	t.Parallel()
	p, _ := openMoody(t, func(p *otp.Policy) { p.MaxChecks = 20 })
	s := p.Ask(t)
	for range 5 {
		if _, _, decided, err := p.Store.Count(t.Context(), guess(t, p, s)); decided || err != nil {
			t.Fatal(decided, err)
		}
	}
	le, limited := errors.AsType[*otp.LimitError](errOf(p.Guess(s, s.Code)))
	if !limited || le.RetryAfter > time.Second {
		t.Errorf("while they may still be compared: %v", le)
	}
	p.Pass(11 * time.Second)
	if c := p.Want(t, s, s.Code, otp.CodeMismatch); c.LockedUntil.IsZero() {
		t.Error("it did not lock")
	}
}

func errOf(_ verify.Checked, err error) error { return err }

// The code is of no use until it is sent again; then it is right, once.
func TestAProcessThatDiesBeforeItApprovesHasSpentTheCode(t *testing.T) {
	t.Parallel()
	p, db := openMoody(t, nil)
	s := p.Ask(t)
	g := guess(t, p, s)
	c, _, _, err := p.Store.Count(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	if right, err := db.Take(t.Context(), c.Slot, g.Digests); !right || err != nil {
		t.Fatal(right, err)
	}
	p.Restart(p.Keys)
	p.Want(t, s, s.Code, otp.CodeMismatch)
	second := p.Ask(t)
	p.Want(t, second, second.Code, "")
	p.Want(t, second, second.Code, otp.AlreadyUsed)
}

func TestACodeThatWasReplacedBetweenTheTwoStoresIsNotApproved(t *testing.T) {
	t.Parallel()
	p, db := openMoody(t, func(p *otp.Policy) { p.Resend = otp.Rotate })
	s := p.Ask(t)
	g := guess(t, p, s)
	c, _, _, err := p.Store.Count(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	if right, err := db.Take(t.Context(), c.Slot, g.Digests); !right || err != nil {
		t.Fatal(right, err)
	}
	next := p.Ask(t)
	if v, err := p.Store.Decide(t.Context(), g, c, true); err != nil || v.Right() {
		t.Errorf("%+v, %v", v, err)
	}
	p.Want(t, next, next.Code, "")
}

// What a process puts back, because the store did not answer, must not be right twice.
func TestWhatWasApprovedIsNotApprovedAgainThoughItsDigestIsThere(t *testing.T) {
	t.Parallel()
	p, db := openMoody(t, nil)
	s := p.Ask(t)
	g := guess(t, p, s)
	c, _, _, err := p.Store.Count(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	p.Want(t, s, s.Code, "")
	if err := db.Put(t.Context(), c.Slot, g.Digests[0], time.Minute); err != nil {
		t.Fatal(err)
	}
	p.Want(t, s, s.Code, otp.AlreadyUsed)
	if v, err := p.Store.Decide(t.Context(), g, c, true); err != nil || v.Right() {
		t.Errorf("%+v, %v", v, err)
	}
}
