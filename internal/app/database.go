package app

import (
	"context"
	"errors"
	"time"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/jwestore"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/verify"
)

// newDatabase is the configured one, opened when it is first used; nil if there is
// none.
func newDatabase(c config.Config) *sqlstore.Lazy {
	if !c.Database.On() {
		return nil
	}
	return &sqlstore.Lazy{Open: func(ctx context.Context) (*sqlstore.DB, error) {
		kind, where, err := c.Database.Place()
		if err != nil {
			return nil, err
		}
		return openDatabase(ctx, kind, where, c.Database.URL)
	}}
}

func openDatabase(ctx context.Context, kind, where string, url config.Secret) (*sqlstore.DB, error) {
	if kind == config.SinkSQLite {
		return sqlstore.OpenSQLite(ctx, where)
	}
	return sqlstore.OpenPostgres(ctx, url.Reveal())
}

func (a *api) closeDatabase() {
	if a.database != nil {
		_ = a.database.Close()
	}
}

// elsewhere is the store, also for codes whose digests are not kept in it.
func (a *api) elsewhere(keys otp.Keys) *verify.Elsewhere {
	e := &verify.Elsewhere{Guesses: a.in.store, Keys: keys, Now: time.Now, Tickets: jwestore.Tickets{Ring: keys.Ticket, Now: time.Now}}
	if a.database != nil {
		e.Codes = &sqlstore.Codes{DB: a.database}
	}
	return e
}

// sweepEvery is how often digests that have expired are removed, and secrets of
// older keys sealed anew.
const sweepEvery = time.Minute

// sweep removes them until ctx ends. While the database is away they stay. It opens
// the database, so that the first who needs it does not wait for its tables.
func (a *api) sweep(ctx context.Context) {
	if a.database == nil {
		return
	}
	_, _ = a.database.DB(ctx) // who needs it is told why it is away
	codes := &sqlstore.Codes{DB: a.database}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepEvery):
		}
		if _, err := codes.Sweep(ctx); err != nil {
			a.log.Debug("expired digests not removed", "error", err)
		}
		switch n, err := a.factors.Load().Reseal(ctx); {
		case err != nil && !errors.Is(err, otp.ErrStoreUnavailable):
			a.log.Error("factors not sealed anew", "count", n, "error", err)
		case n > 0:
			a.log.Info("factors sealed anew", "count", n)
		}
	}
}
