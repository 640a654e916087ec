package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// factorLimit is short enough for a caller to learn within a second that the
// database does not answer.
const factorLimit = 800 * time.Millisecond

// expiredMost is how many unconfirmed factors an enrolment clears away: more than
// the one that it adds, so they never pile up, and few enough to cost nothing.
const expiredMost = 10

// Factors keeps authenticator apps. It may be used by many goroutines and processes
// at once; what fails is otp.ErrStoreUnavailable, and has changed nothing unless
// the answer alone was lost.
type Factors struct {
	DB       *Lazy
	Patience time.Duration // how long an operation may take; 0: 800 ms
}

const factorColumns = `id, namespace, subject, algorithm, digits, period, skew, secret, created_at, expires_at, confirmed_at, used_at,
	last_step, drift, fails, locked_until, (SELECT count(*) FROM otpipe_recovery_codes r WHERE r.factor = otpipe_factors.id)`

// Add keeps a new factor unless its subject has so many already. Its error then is
// otp.ErrTooManyFactors.
func (s Factors) Add(ctx context.Context, f otp.Factor, most int) error {
	return s.change(ctx, "add factor", func(ctx context.Context, d *DB, tx *sql.Tx) error {
		if err := d.clearExpired(ctx, tx, f.CreatedAt); err != nil {
			return err
		}
		if err := d.alone(ctx, tx, "otpipe_factors "+string(f.Namespace)+" "+f.Subject); err != nil {
			return err
		}
		var there int
		count := "SELECT count(*) FROM otpipe_factors WHERE namespace = $1 AND subject = $2 AND (confirmed_at > 0 OR expires_at > $3)"
		if err := tx.QueryRowContext(ctx, d.says(count), string(f.Namespace), f.Subject, millis(f.CreatedAt)).Scan(&there); err != nil {
			return err
		}
		if there >= most {
			return otp.ErrTooManyFactors
		}
		_, err := tx.ExecContext(ctx, d.says(`INSERT INTO otpipe_factors (id, namespace, subject, algorithm, digits, period, skew, secret, created_at, expires_at,
			confirmed_at, used_at, last_step, drift, fails, failed_at, strikes, locked_until) VALUES (`+places(1, 10)+`, 0, 0, 0, 0, 0, 0, 0, 0)`),
			string(f.ID), string(f.Namespace), f.Subject, string(f.Algorithm), f.Digits, int64(f.Period/time.Second), f.Skew, string(f.Secret),
			millis(f.CreatedAt), millis(f.ExpiresAt))
		return err
	})
}

// clearExpired gives up some of those that were never confirmed.
func (d *DB) clearExpired(ctx context.Context, tx *sql.Tx, now time.Time) error {
	which := "SELECT id FROM otpipe_factors WHERE confirmed_at = 0 AND expires_at <= $1 LIMIT $2"
	if d.kind == postgres {
		which += " FOR UPDATE SKIP LOCKED" // somebody else is at them
	}
	_, err := tx.ExecContext(ctx, d.says("DELETE FROM otpipe_factors WHERE id IN ("+which+")"), millis(now), expiredMost)
	return err
}

// alone lets one transaction of a name go on at a time. SQLite has one writer anyway.
func (d *DB) alone(ctx context.Context, tx *sql.Tx, name string) error {
	if d.kind == sqlite {
		return nil
	}
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)
	return err
}

// Find returns a factor. Its errors are otp.ErrFactorNotFound, also of one that was
// not confirmed in time, and otp.ErrStoreUnavailable.
func (s Factors) Find(ctx context.Context, id otp.FactorID, now time.Time) (otp.Factor, error) {
	all, err := s.query(ctx, "find factor", "id = $1 AND (confirmed_at > 0 OR expires_at > $2)", string(id), millis(now))
	if err == nil && len(all) == 0 {
		err = otp.ErrFactorNotFound
	}
	if err != nil {
		return otp.Factor{}, err
	}
	return all[0], nil
}

// List returns a subject's factors, the oldest first.
func (s Factors) List(ctx context.Context, ns otp.Namespace, subject string, now time.Time) ([]otp.Factor, error) {
	return s.query(ctx, "list factors", "namespace = $1 AND subject = $2 AND (confirmed_at > 0 OR expires_at > $3)", string(ns), subject, millis(now))
}

// Delete forgets a factor and its recovery codes. Its errors are those of Find.
func (s Factors) Delete(ctx context.Context, id otp.FactorID) error {
	return s.change(ctx, "delete factor", func(ctx context.Context, d *DB, tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, d.says("DELETE FROM otpipe_factors WHERE id = $1"), string(id)))
	})
}

// Renew replaces the recovery codes of a confirmed factor. Its errors are those of
// Find.
func (s Factors) Renew(ctx context.Context, id otp.FactorID, digests []string) error {
	return s.change(ctx, "renew recovery codes", func(ctx context.Context, d *DB, tx *sql.Tx) error {
		// A change of nothing holds the row: two renewals leave the codes of one of them.
		if err := one(tx.ExecContext(ctx, d.says("UPDATE otpipe_factors SET secret = secret WHERE id = $1 AND confirmed_at > 0"), string(id))); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, d.says("DELETE FROM otpipe_recovery_codes WHERE factor = $1"), string(id)); err != nil {
			return err
		}
		return d.addRecovery(ctx, tx, id, digests)
	})
}

func (d *DB) addRecovery(ctx context.Context, tx *sql.Tx, id otp.FactorID, digests []string) error {
	for _, digest := range digests {
		if _, err := tx.ExecContext(ctx, d.says("INSERT INTO otpipe_recovery_codes (factor, digest) VALUES ($1, $2)"), string(id), digest); err != nil {
			return err
		}
	}
	return nil
}

// one wants a change of one row.
func one(done sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return otp.ErrFactorNotFound
}

// change makes a transaction.
func (s Factors) change(ctx context.Context, what string, do func(ctx context.Context, d *DB, tx *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Patience, factorLimit))
	defer cancel()
	d, err := s.DB.DB(ctx)
	if err != nil {
		return away(what, err)
	}
	tx, err := d.hasty.BeginTx(ctx, nil)
	if err != nil {
		return away(what, err)
	}
	defer func() { _ = tx.Rollback() }() // of no effect once it is committed
	if err := do(ctx, d, tx); err != nil {
		return away(what, err)
	}
	return away(what, tx.Commit())
}

// away is ErrStoreUnavailable of whatever the database says: only errors of ours
// are told apart.
func away(what string, err error) error {
	var limit *otp.LimitError
	for _, ours := range []error{otp.ErrFactorNotFound, otp.ErrFactorConfirmed, otp.ErrFactorUnconfirmed, otp.ErrTooManyFactors} {
		if errors.Is(err, ours) {
			return err
		}
	}
	if err == nil || errors.As(err, &limit) {
		return err
	}
	return unavailable(what, err)
}

func (s Factors) query(ctx context.Context, what, where string, args ...any) ([]otp.Factor, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Patience, factorLimit))
	defer cancel()
	d, err := s.DB.DB(ctx)
	if err != nil {
		return nil, away(what, err)
	}
	all, err := d.factors(ctx, where, args...)
	return all, away(what, err)
}

func (d *DB) factors(ctx context.Context, where string, args ...any) (all []otp.Factor, err error) {
	rows, err := d.hasty.QueryContext(ctx, d.says("SELECT "+factorColumns+" FROM otpipe_factors WHERE "+where+" ORDER BY created_at, id"), args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		f, err := readFactor(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, rows.Err()
}

func readFactor(rows *sql.Rows) (f otp.Factor, err error) {
	var period, created, expires, confirmed, used, locked int64
	err = rows.Scan(&f.ID, &f.Namespace, &f.Subject, &f.Algorithm, &f.Digits, &period, &f.Skew, &f.Secret, &created, &expires, &confirmed, &used,
		&f.LastStep, &f.Drift, &f.Fails, &locked, &f.RecoveryCodes)
	f.Period = time.Duration(period) * time.Second
	f.CreatedAt, f.ExpiresAt, f.ConfirmedAt, f.UsedAt, f.LockedUntil = instant(created), instant(expires), instant(confirmed), instant(used), instant(locked)
	return f, err
}

// millis are those since 1970; 0 of the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
