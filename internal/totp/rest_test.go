package totp_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/pgtest"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/totp"
)

// query asks the database past all of our code.
func (r *rig) query(question string, args ...any) *sql.Row {
	r.t.Helper()
	driver := "sqlite"
	if r.where[0] == 'p' {
		driver = "pgx"
	}
	db, err := sql.Open(driver, r.where)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = db.Close() })
	return db.QueryRowContext(r.t.Context(), question, args...)
}

func TestNoSecretLiesInTheDatabaseOrInRedis(t *testing.T) {
	both(t, func(r *rig) {
		a, codes := r.confirmed()
		used := a.code(0)
		token := a.want(used, "").Token
		if _, err := a.recover(codes[0].Reveal()); err != nil {
			r.t.Fatal(err)
		}
		secrets := []string{a.secret.Base32(), string(a.secret.Reveal()), fmt.Sprintf("%x", a.secret.Reveal()), token.Reveal(), "ada"}
		for _, c := range codes {
			secrets = append(secrets, c.Reveal(), strings.ReplaceAll(c.Reveal(), "-", ""))
		}
		for _, dump := range []string{r.dump(), r.redis()} {
			for i, s := range secrets {
				if strings.Contains(dump, s) {
					r.t.Errorf("secret %d lies there", i)
				}
			}
		}
		if !strings.Contains(r.dump(), string(a.id)) || !strings.Contains(r.redis(), string(a.id)) {
			r.t.Error("nothing lies there at all")
		}
	})
}

// dump is all that the database has of factors; of SQLite, every byte of its files.
func (r *rig) dump() (all string) {
	r.t.Helper()
	if r.where[0] != 'p' {
		for _, name := range []string{r.where, r.where + "-wal"} {
			text, err := os.ReadFile(name)
			if err != nil {
				r.t.Fatal(err)
			}
			all += string(text)
		}
		return all
	}
	for _, table := range []string{"otpipe_factors", "otpipe_recovery_codes"} {
		var text string
		if err := r.query("SELECT string_agg(t::text, ' ') FROM " + table + " t").Scan(&text); err != nil {
			r.t.Fatal(err)
		}
		all += text
	}
	return all
}

func (r *rig) redis() string {
	r.t.Helper()
	ctx, rdb := r.t.Context(), r.store.Redis
	var b bytes.Buffer
	for _, key := range rdb.Keys(ctx, "*").Val() {
		fmt.Fprintln(&b, key, rdb.Get(ctx, key).Val(), rdb.XRange(ctx, key, "-", "+").Val())
	}
	return b.String()
}

// rotating is a database whose secrets are sealed anew between the look at a factor
// and the count of the guess.
type rotating struct {
	totp.Guesses
	r *rig
}

func (d rotating) Guess(ctx context.Context, g otp.FactorGuess) (otp.FactorVerdict, error) {
	if _, err := d.r.Reseal(ctx); err != nil {
		return otp.FactorVerdict{}, err
	}
	return d.Guesses.Guess(ctx, g)
}

func TestARightCodeLeavesASecretAsItWasSealedMeanwhile(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed()
		r.Keys = keysOf(r.t, "k2", "k1")
		r.Guesses = rotating{r.Guesses, r}
		a.want(a.code(0), "")
		r.Guesses = r.database
		r.Keys = keysOf(r.t, "k2")
		r.pass(a.clock.Period)
		a.want(a.code(0), "")
	})
}

// everything is each operation on a factor.
func (a app) everything() map[string]error {
	r, ctx := a.r, a.r.t.Context()
	return map[string]error{
		"enrol":   second(r.Enrol(ctx, anybody, request())),
		"get":     second(r.Get(ctx, anybody, a.id)),
		"list":    second(r.List(ctx, anybody, otp.PhoneAuth, "user-1")),
		"check":   second(a.check(a.code(0))),
		"wrong":   second(a.check(a.wrong())),
		"recover": second(a.recover("00000-00000")),
		"confirm": second(r.Confirm(ctx, anybody, a.id, a.code(0))),
		"renew":   second(r.Renew(ctx, anybody, a.id)),
		"delete":  second(r.Delete(ctx, anybody, a.id)),
	}
}

func TestWithTheDatabaseGoneNothingIsCountedAndItComesBackByItself(t *testing.T) {
	t.Parallel()
	where := pgtest.URL(t)
	r := newRig(t, where, redistest.Client(t))
	a, codes := r.confirmed()
	before, told := r.dump(), r.events(a.id)
	let := pgtest.Shut(t, where)
	for what, err := range a.everything() {
		if !errors.Is(err, otp.ErrStoreUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	let()
	if r.dump() != before {
		t.Error("something was changed meanwhile")
	}
	if now := r.events(a.id); !slices.Equal(now, told) {
		t.Errorf("%v became %v", told, now)
	}
	if c, err := a.check(a.code(0)); outcome(c, err) != "right" {
		t.Error(outcome(c, err))
	}
	if c, err := a.recover(codes[0].Reveal()); outcome(c, err) != "right" {
		t.Error(outcome(c, err))
	}
}

// Somebody else holds the whole database: a backup, or a hand at a console.
func TestWithTheDatabaseHeldUpNothingIsCountedAndNobodyWaits(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed()
		before := a.factor()
		release := r.hold()
		hasty := sqlstore.Factors{DB: r.database.DB}
		r.Factors, r.Guesses = hasty, hasty
		for _, code := range []string{a.code(0), a.wrong()} {
			ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
			_, err := r.Check(ctx, anybody, totp.CheckRequest{ID: a.id, Code: code})
			cancel()
			if !errors.Is(err, otp.ErrStoreUnavailable) {
				r.t.Errorf("%v", err)
			}
		}
		release()
		r.Factors, r.Guesses = r.database, r.database
		if got := a.factor(); got != before {
			r.t.Errorf("%+v became %+v", before, got)
		}
		a.want(a.code(0), "")
	})
}

// hold keeps all others from writing until release is called.
func (r *rig) hold() (release func()) {
	r.t.Helper()
	driver, statements := "sqlite", []string{"BEGIN IMMEDIATE"}
	if r.where[0] == 'p' {
		driver, statements = "pgx", []string{"BEGIN", "LOCK TABLE otpipe_factors IN EXCLUSIVE MODE"}
	}
	db, err := sql.Open(driver, r.where)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = db.Close() })
	c, err := db.Conn(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := c.ExecContext(r.t.Context(), s); err != nil {
			r.t.Fatal(err)
		}
	}
	return func() {
		if _, err := c.ExecContext(r.t.Context(), "ROLLBACK"); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestWithTheDatabaseKilledUnderAHundredChecksOneAtMostIsApproved(t *testing.T) {
	t.Parallel()
	where := pgtest.URL(t)
	r := newRig(t, where, redistest.Client(t))
	a, _ := r.confirmed()
	code := a.code(0)
	answered := make(chan string, 100)
	for range 100 {
		go func() {
			c, err := a.check(code)
			answered <- outcome(c, err)
		}()
	}
	<-answered // they are under way
	let := pgtest.Shut(t, where)
	for range 99 {
		<-answered
	}
	let()
	approved := slices.DeleteFunc(r.events(a.id), func(kind string) bool { return kind != "factor.approved" })
	if len(approved) > 1 {
		t.Errorf("%d were approved", len(approved))
	}
	if c, err := a.check(code); len(approved) == 1 && outcome(c, err) != string(otp.AlreadyUsed) {
		t.Errorf("approved, and %s", outcome(c, err))
	}
	r.pass(a.clock.Period)
	a.want(a.code(0), "")
}

func TestWithRedisGoneNothingIsCountedOrUsed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), DialTimeout: 200 * time.Millisecond, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = rdb.Close() })
	r := newRig(t, file(t), rdb)
	a, _ := r.confirmed()
	before := a.factor()
	server.Kill()
	for what, err := range a.everything() {
		reads := what == "get" || what == "list" // what Redis has no part in
		if reads != (err == nil) || !reads && !errors.Is(err, otp.ErrStoreUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := a.factor(); got != before {
		t.Errorf("%+v became %+v", before, got)
	}
	server.Restart(t)
	if c, err := a.check(a.code(0)); outcome(c, err) != "right" {
		t.Error(outcome(c, err))
	}
}

// dying is a Redis that dies after the database has taken the code.
type dying struct{}

func (dying) Awake(context.Context, otp.Partition) error { return nil }
func (dying) Vouch(context.Context, otp.Voucher) (time.Time, error) {
	return time.Time{}, otp.ErrStoreUnavailable
}

func TestWithRedisGoneInTheMiddleTheCodeIsSpentAndNothingApproved(t *testing.T) {
	both(t, func(r *rig) {
		a, _ := r.confirmed()
		alive := r.Sessions
		r.Sessions = dying{}
		if c, err := a.check(a.code(0)); !errors.Is(err, otp.ErrStoreUnavailable) || c.Token.Reveal() != "" {
			r.t.Errorf("%v", err)
		}
		r.Sessions = alive
		a.want(a.code(0), otp.AlreadyUsed)
		a.want(a.code(1), "")
	})
}

// TestFactorsOutliveTheKeyThatSealedThem has more of them than are looked at together,
// none of which is used while both keys are there.
func TestFactorsOutliveTheKeyThatSealedThem(t *testing.T) {
	both(t, func(r *rig) {
		first, _ := r.confirmed()
		for i := range 120 {
			q := request()
			q.Subject = fmt.Sprintf("user-%d", i+10)
			r.enrol(q)
		}
		if n, err := r.Reseal(r.t.Context()); n != 0 || err != nil {
			r.t.Errorf("nothing is old: %d, %v", n, err)
		}
		r.Keys = keysOf(r.t, "k2", "k1")
		if n, err := r.Reseal(r.t.Context()); n != 121 || err != nil {
			r.t.Errorf("%d of 121, %v", n, err)
		}
		r.Keys = keysOf(r.t, "k2")
		if n, err := r.Reseal(r.t.Context()); n != 0 || err != nil {
			r.t.Errorf("all are done: %d, %v", n, err)
		}
		first.want(first.code(0), "")
		r.Keys = keysOf(r.t, "k3")
		if n, err := r.Reseal(r.t.Context()); n != 0 || !errors.Is(err, totp.ErrKeyGone) {
			r.t.Errorf("its key is gone: %d, %v", n, err)
		}
	})
}
