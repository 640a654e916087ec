package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// codeLimit is how long a statement about a code may take: a person waits.
const codeLimit = 600 * time.Millisecond

// sweepMost is how many expired rows are removed in one statement.
const sweepMost = 500

// Codes keeps digests of codes. All of its errors are otp.ErrStoreUnavailable.
type Codes struct {
	DB       *Lazy
	Patience time.Duration        // how long a statement may take; 0: 600 ms
	Offset   func() time.Duration // moves the clock that expiry goes by; nil in production
}

// Put keeps a digest for as long as its code lives. A slot that is full stays as it
// is.
func (c *Codes) Put(ctx context.Context, slot otp.Slot, d otp.Digest, life time.Duration) error {
	_, err := c.exec(ctx, "put", "INSERT INTO otpipe_codes (slot, digest, expires) VALUES ($1, $2, %[1]s + $3) ON CONFLICT DO NOTHING", string(slot), held(d), life.Milliseconds())
	return err
}

// Take empties a slot if it holds one of the digests, and tells whether it did. Of
// any number of takers one is told yes.
func (c *Codes) Take(ctx context.Context, slot otp.Slot, digests []otp.Digest) (bool, error) {
	args := []any{string(slot)}
	for _, d := range digests {
		args = append(args, held(d))
	}
	n, err := c.exec(ctx, "take", "DELETE FROM otpipe_codes WHERE slot = $1 AND expires > %[1]s AND digest IN ("+places(2, len(digests))+")", args...)
	return n == 1, err
}

// Drop empties a slot, whatever it holds.
func (c *Codes) Drop(ctx context.Context, slot otp.Slot) error {
	_, err := c.exec(ctx, "drop", "DELETE FROM otpipe_codes WHERE slot = $1", string(slot))
	return err
}

// Sweep removes what has expired, a batch at a time, and tells how much that was. It
// waits for no check, and no check for it.
func (c *Codes) Sweep(ctx context.Context) (swept int64, err error) {
	for {
		n, err := c.exec(ctx, "sweep", "DELETE FROM otpipe_codes WHERE slot IN (SELECT slot FROM otpipe_codes WHERE expires <= %[1]s ORDER BY expires LIMIT $1 %[2]s)", sweepMost)
		swept += n
		if err != nil || n < sweepMost {
			return swept, err
		}
	}
}

// exec runs a statement, in which %[1]s is the time and %[2]s passes over rows that
// somebody else has.
func (c *Codes) exec(ctx context.Context, what, statement string, args ...any) (rows int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Patience, codeLimit))
	defer cancel()
	d, err := c.DB.DB(ctx)
	if err != nil {
		return 0, unavailable(what, err)
	}
	now, skip := "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)", "FOR UPDATE SKIP LOCKED"
	if d.kind == sqlite {
		now, skip = "CAST(unixepoch('subsec') * 1000 AS integer)", ""
	}
	if c.Offset != nil {
		now = fmt.Sprintf("(%s + %d)", now, c.Offset().Milliseconds())
	}
	res, err := d.hasty.ExecContext(ctx, d.says(fmt.Sprintf(statement+"%.0[1]s%.0[2]s", now, skip)), args...)
	if err != nil {
		return 0, unavailable(what, err)
	}
	n, err := res.RowsAffected()
	return n, unavailable(what, err)
}

func held(d otp.Digest) string { return d.Key + " " + d.Sum }

func unavailable(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("database: %s: %w: %w", what, otp.ErrStoreUnavailable, err)
}
