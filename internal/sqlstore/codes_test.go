package sqlstore_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/pgtest"
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/storetest"
	"github.com/otpipe/otpipe/internal/verify"
)

// databases are the two kinds, as a process opens them.
func databases(t *testing.T, test func(t *testing.T, open func(t *testing.T) func(context.Context) (*sqlstore.DB, error))) {
	t.Helper()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T) func(context.Context) (*sqlstore.DB, error) {
			t.Helper()
			url := pgtest.URL(t)
			return func(ctx context.Context) (*sqlstore.DB, error) { return sqlstore.OpenPostgres(ctx, url) }
		})
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T) func(context.Context) (*sqlstore.DB, error) {
			t.Helper()
			path := filepath.Join(t.TempDir(), "codes.db")
			return func(ctx context.Context) (*sqlstore.DB, error) { return sqlstore.OpenSQLite(ctx, path) }
		})
	})
}

// patience is that of tests, in which nobody waits but a busy machine works.
const patience = 20 * time.Second

func lazy(t *testing.T, open func(context.Context) (*sqlstore.DB, error)) *sqlstore.Lazy {
	t.Helper()
	l := &sqlstore.Lazy{Open: open}
	if _, err := l.DB(t.Context()); err != nil { // with the time that the first of all tables takes
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestCodesInADatabase(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, open func(t *testing.T) func(context.Context) (*sqlstore.DB, error)) {
		storetest.Suite(t, func(t *testing.T, change func(*otp.Policy)) *storetest.Place {
			t.Helper()
			again := open(t)
			return storetest.Open(t, otp.CodesInSQL, func(p *storetest.Place) verify.Codes {
				return &sqlstore.Codes{DB: lazy(t, again), Patience: patience, Offset: p.Ahead}
			}, change)
		})
	})
}

func TestADigestIsTakenOnceUntilItExpires(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, open func(t *testing.T) func(context.Context) (*sqlstore.DB, error)) {
		var ahead time.Duration
		c := &sqlstore.Codes{DB: lazy(t, open(t)), Patience: patience, Offset: func() time.Duration { return ahead }}
		ctx := t.Context()
		right, wrong := otp.Digest{Key: "k1", Sum: "right"}, otp.Digest{Key: "k1", Sum: "wrong"}
		take := func(slot otp.Slot, want bool, digests ...otp.Digest) {
			t.Helper()
			if got, err := c.Take(ctx, slot, digests); got != want || err != nil {
				t.Errorf("%s: %v, %v, want %v", slot, got, err, want)
			}
		}
		put := func(slot otp.Slot) {
			t.Helper()
			if err := c.Put(ctx, slot, right, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		put("a")
		take("a", false, wrong)
		take("b", false, right)
		take("a", true, wrong, right)
		take("a", false, right)
		put("c")
		if err := c.Drop(ctx, "c"); err != nil {
			t.Error(err)
		}
		take("c", false, right)
		put("d")
		put("e")
		ahead = time.Minute - 5*time.Second
		take("d", true, right)
		ahead = time.Minute + time.Second
		take("e", false, right)
		for i := range 1200 {
			if i%2 == 0 {
				ahead = 0
			} else {
				ahead = 2 * time.Minute
			}
			put(otp.Slot(rune('㐀' + i)))
		}
		ahead = time.Minute + 30*time.Second
		if n, err := c.Sweep(ctx); n != 601 || err != nil { // and e
			t.Errorf("swept %d, %v", n, err)
		}
		take(otp.Slot(rune('㐀'+1)), true, right)
	})
}
