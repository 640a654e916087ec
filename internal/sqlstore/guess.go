package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/otpipe/otpipe/internal/otp"
)

// Guess counts a guess at a factor, and then accepts it if it is right. A code is
// accepted if its step is later than the last one that was, a recovery code once.
// Its errors are *otp.LimitError while the factor is locked, otp.ErrFactorNotFound,
// otp.ErrFactorConfirmed, otp.ErrFactorUnconfirmed and otp.ErrStoreUnavailable.
func (s Factors) Guess(ctx context.Context, g otp.FactorGuess) (v otp.FactorVerdict, err error) {
	err = s.change(ctx, "check factor", func(ctx context.Context, d *DB, tx *sql.Tx) error {
		c, err := d.count(ctx, tx, g)
		if err != nil {
			return err
		}
		accepted, err := d.accept(ctx, tx, g)
		switch {
		case err != nil:
			return err
		case accepted:
			v.ChecksLeft = g.Policy.LockAfter
			return d.settle(ctx, tx, g, &v)
		case g.Step > 0: // right, and used: nobody guesses those
			v = otp.FactorVerdict{Reason: otp.AlreadyUsed, ChecksLeft: g.Policy.LockAfter - c.fails + 1}
			return errUncounted
		}
		v = otp.FactorVerdict{Reason: otp.CodeMismatch, ChecksLeft: max(0, g.Policy.LockAfter-c.fails)}
		if v.ChecksLeft > 0 {
			return nil
		}
		return d.lock(ctx, tx, g, c, &v)
	})
	if errors.Is(err, errUncounted) {
		err = nil
	}
	return v, err
}

// errUncounted ends a transaction that is to have changed nothing.
var errUncounted = errors.New("nothing is to be kept")

// counted is what a guess finds.
type counted struct {
	fails, strikes int // with this guess, before this guess
}

// count counts a guess, before anything is compared, and keeps all others from the
// factor until it is decided. The fails and strikes of long ago are forgotten.
func (d *DB) count(ctx context.Context, tx *sql.Tx, g otp.FactorGuess) (c counted, err error) {
	state := "confirmed_at > 0"
	if g.Confirm {
		state = "confirmed_at = 0 AND expires_at > $1"
	}
	now := millis(g.Now)
	err = tx.QueryRowContext(ctx, d.says(`UPDATE otpipe_factors SET
			fails = CASE WHEN failed_at <= $2 THEN 1 ELSE fails + 1 END,
			strikes = CASE WHEN locked_until <= $3 THEN 0 ELSE strikes END,
			failed_at = $1
		WHERE id = $4 AND locked_until <= $1 AND `+state+` RETURNING fails, strikes`),
		now, now-g.Policy.FailWindow.Milliseconds(), now-g.Policy.StrikeLife.Milliseconds(), string(g.ID)).Scan(&c.fails, &c.strikes)
	if errors.Is(err, sql.ErrNoRows) {
		return c, d.uncountable(ctx, tx, g)
	}
	return c, err
}

// uncountable says why no guess at a factor is counted.
func (d *DB) uncountable(ctx context.Context, tx *sql.Tx, g otp.FactorGuess) error {
	var confirmed, expires, locked int64
	err := tx.QueryRowContext(ctx, d.says("SELECT confirmed_at, expires_at, locked_until FROM otpipe_factors WHERE id = $1"), string(g.ID)).Scan(&confirmed, &expires, &locked)
	switch now := millis(g.Now); {
	case errors.Is(err, sql.ErrNoRows) || err == nil && confirmed == 0 && expires <= now:
		return otp.ErrFactorNotFound
	case err != nil:
		return err
	case g.Confirm && confirmed > 0:
		return otp.ErrFactorConfirmed
	case !g.Confirm && confirmed == 0:
		return otp.ErrFactorUnconfirmed
	default:
		return &otp.LimitError{Limit: otp.LimitFactor, RetryAfter: instant(locked).Sub(g.Now)}
	}
}

// accept takes a right guess: of all that have the same, one.
func (d *DB) accept(ctx context.Context, tx *sql.Tx, g otp.FactorGuess) (bool, error) {
	var done sql.Result
	var err error
	switch {
	case g.Recovery != "":
		done, err = tx.ExecContext(ctx, d.says("DELETE FROM otpipe_recovery_codes WHERE factor = $1 AND digest = $2"), string(g.ID), g.Recovery)
	case g.Step > 0:
		done, err = tx.ExecContext(ctx, d.says("UPDATE otpipe_factors SET last_step = $2, drift = $3 WHERE id = $1 AND last_step < $2"), string(g.ID), g.Step, g.Drift)
	default:
		return false, nil
	}
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

// settle writes down what follows from a right guess.
func (d *DB) settle(ctx context.Context, tx *sql.Tx, g otp.FactorGuess, v *otp.FactorVerdict) error {
	_, err := tx.ExecContext(ctx, d.says(`UPDATE otpipe_factors SET fails = 0, strikes = 0, locked_until = 0, used_at = $2,
		expires_at = 0, confirmed_at = CASE WHEN confirmed_at = 0 THEN $2 ELSE confirmed_at END WHERE id = $1`), string(g.ID), millis(g.Now))
	if err != nil {
		return err
	}
	if err := d.addRecovery(ctx, tx, g.ID, g.Fresh); err != nil {
		return err
	}
	return tx.QueryRowContext(ctx, d.says("SELECT count(*) FROM otpipe_recovery_codes WHERE factor = $1"), string(g.ID)).Scan(&v.RecoveryCodes)
}

// lock keeps everybody out for a while, longer each time.
func (d *DB) lock(ctx context.Context, tx *sql.Tx, g otp.FactorGuess, c counted, v *otp.FactorVerdict) error {
	strikes := min(c.strikes+1, len(g.Policy.Locks))
	v.LockedUntil = g.Now.Add(g.Policy.Locks[strikes-1])
	_, err := tx.ExecContext(ctx, d.says("UPDATE otpipe_factors SET fails = 0, strikes = $2, locked_until = $3 WHERE id = $1"), string(g.ID), strikes, millis(v.LockedUntil))
	return err
}
