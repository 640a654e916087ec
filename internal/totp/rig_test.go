package totp_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/jwtsession"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/pgtest"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/totp"
	"github.com/otpipe/otpipe/internal/verify"
)

// start is noon, at the beginning of a step of every length that is tested.
var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

var anybody = otp.Caller{Name: "all", Scopes: otp.Scopes}

// rig is the service over a real database and a real Redis, with a clock that the
// test moves.
type rig struct {
	*totp.Service
	t        testing.TB
	store    *redisstore.Store
	database sqlstore.Factors
	where    string
	ahead    *atomic.Int64
}

// both runs a test over each kind of database.
func both(t *testing.T, test func(r *rig)) {
	t.Helper()
	t.Parallel()
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(newRig(t, pgtest.URL(t), redistest.Client(t))) })
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(newRig(t, file(t), redistest.Client(t))) })
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "factors.db") }

func newRig(t testing.TB, where string, rdb redis.UniversalClient) *rig {
	t.Helper()
	r := &rig{t: t, store: &redisstore.Store{Redis: rdb, Retention: time.Hour, EventsKept: 10_000}, database: open(t, where), where: where, ahead: &atomic.Int64{}}
	keys := keysOf(t, "k1")
	r.Service = &totp.Service{
		Factors: r.database, Guesses: r.database, Sessions: r.store, Records: r.store, Repeats: verify.Repeater{Repeats: r.store, Keys: keys},
		Signer:     jwtsession.Signer{Ring: keys.Sign, Issuer: "https://otp.example.com", Now: time.Now},
		Namespaces: otp.BuiltIn(), Keys: keys, Partitions: 16,
		Now: func() time.Time { return start.Add(time.Duration(r.ahead.Load())) },
	}
	return r
}

// open opens a database, before it is used: its tables take longer than a check may.
func open(t testing.TB, where string) sqlstore.Factors {
	t.Helper()
	lazy := &sqlstore.Lazy{Open: func(ctx context.Context) (*sqlstore.DB, error) {
		if where[0] == 'p' {
			return sqlstore.OpenPostgres(ctx, where)
		}
		return sqlstore.OpenSQLite(ctx, where)
	}}
	if _, err := lazy.DB(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lazy.Close() })
	return sqlstore.Factors{DB: lazy, Patience: time.Minute}
}

// keysOf makes keys of rings with these names, the first of them the primary.
func keysOf(t testing.TB, ids ...string) otp.Keys {
	t.Helper()
	key := func(id string) otp.Key {
		k, err := otp.NewKey(id, slices.Repeat([]byte(id[len(id)-1:]), otp.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	var all []otp.Key
	for _, id := range ids {
		all = append(all, key(id))
	}
	ring, err := otp.NewRing(ids[0], all...)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := otp.DeriveKeys(ring, key("anchor"))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (r *rig) pass(d time.Duration) { r.ahead.Add(int64(d)) }

// app is what a person has in their hand.
type app struct {
	r      *rig
	id     otp.FactorID
	secret otp.FactorSecret
	clock  otp.Clockwork
}

func request() totp.EnrolRequest {
	return totp.EnrolRequest{Namespace: otp.PhoneAuth, Subject: "user-1", Issuer: "Example", Account: "ada", Clockwork: otp.DefaultClockwork()}
}

// enrol makes a factor that is unconfirmed.
func (r *rig) enrol(q totp.EnrolRequest) app {
	r.t.Helper()
	e, err := r.Enrol(r.t.Context(), anybody, q)
	if err != nil {
		r.t.Fatal(err)
	}
	return app{r, e.ID, e.Plain, q.Clockwork}
}

// confirmed makes a factor that is, and lets the step go by that this took.
func (r *rig) confirmed() (app, []otp.Code) {
	r.t.Helper()
	a := r.enrol(request())
	c, err := r.Confirm(r.t.Context(), anybody, a.id, a.code(0))
	if err != nil || !c.Right() || len(c.Recovery) != otp.RecoveryCodes {
		r.t.Fatalf("confirm: %q, %d recovery codes, %v", c.Reason, len(c.Recovery), err)
	}
	r.pass(a.clock.Period)
	return a, c.Recovery
}

// code is what the app shows if its clock is so many steps ahead of ours.
func (a app) code(ahead int64) string {
	return totp.CodeAt(a.secret, a.clock, a.clock.Step(a.r.Now())+ahead)
}

// wrong is a code that the app shows at no time near.
func (a app) wrong() string {
	for n := range 10 {
		digit := string(rune('0' + n))
		text := ""
		for range a.clock.Digits {
			text += digit
		}
		near := false
		for s := int64(-10); s <= 10; s++ {
			near = near || a.code(s) == text
		}
		if !near {
			return text
		}
	}
	panic("ten codes of twenty-one")
}

func (a app) check(typed string) (totp.Checked, error) {
	return a.r.Check(a.r.t.Context(), anybody, totp.CheckRequest{ID: a.id, Code: typed})
}

// want checks a code and wants a verdict.
func (a app) want(typed string, reason otp.Reason) totp.Checked {
	a.r.t.Helper()
	c, err := a.check(typed)
	if err != nil || c.Reason != reason {
		a.r.t.Fatalf("%q, %v; want %q", c.Reason, err, reason)
	}
	return c
}

func (a app) factor() otp.Factor {
	a.r.t.Helper()
	f, err := a.r.Get(a.r.t.Context(), anybody, a.id)
	if err != nil {
		a.r.t.Fatal(err)
	}
	return f
}

// outcome is how a check was answered, in a word.
func outcome(c totp.Checked, err error) string {
	var limit *otp.LimitError
	switch {
	case errors.As(err, &limit):
		return "locked out"
	case err != nil:
		return err.Error()
	case c.Right():
		return "right"
	}
	return string(c.Reason)
}

// hundred does something a hundred times at once and counts how it was answered. A
// database that is too busy to answer in time is asked again, as callers do.
func hundred(do func() (totp.Checked, error)) map[string]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	counts := map[string]int{}
	for range 100 {
		all.Go(func() {
			c, err := do()
			for errors.Is(err, otp.ErrStoreUnavailable) {
				c, err = do()
			}
			mu.Lock()
			defer mu.Unlock()
			counts[outcome(c, err)]++
		})
	}
	all.Wait()
	return counts
}

// events are those that were recorded of a factor.
func (r *rig) events(id otp.FactorID) (kinds []string) {
	r.t.Helper()
	all, err := r.store.Redis.XRange(r.t.Context(), "events:{"+id.Partition().String()+"}", "-", "+").Result()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range all {
		if e.Values["id"] == string(id) {
			kinds = append(kinds, fmt.Sprint(e.Values["type"]))
		}
	}
	return kinds
}

// still keeps go-redis from telling on standard error what the answers tell.
type still struct{}

func (still) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	redis.SetLogger(still{})
	os.Exit(m.Run())
}
