package sqlstore

import (
	"context"
	"database/sql"

	"github.com/otpipe/otpipe/internal/otp"
)

// Stale are factors whose secrets are sealed with another key than this one, by their
// ids from one on, at most so many.
func (s Factors) Stale(ctx context.Context, key string, after otp.FactorID, most int) ([]otp.Factor, error) {
	return s.query(ctx, "find factors of old keys",
		"id IN (SELECT id FROM otpipe_factors WHERE id > $1 AND secret NOT LIKE $2 ORDER BY id LIMIT $3)", string(after), key+".%", most)
}

// Reseal puts a secret that is sealed anew in the place of what it was, if that is
// there still.
func (s Factors) Reseal(ctx context.Context, id otp.FactorID, old, fresh otp.Sealed) error {
	return s.change(ctx, "reseal factor", func(ctx context.Context, d *DB, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, d.says("UPDATE otpipe_factors SET secret = $3 WHERE id = $1 AND secret = $2"), string(id), string(old), string(fresh))
		return err
	})
}
