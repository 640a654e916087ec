package app

import (
	"context"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/sqlstore"
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
		if kind == config.SinkSQLite {
			return sqlstore.OpenSQLite(ctx, where)
		}
		return sqlstore.OpenPostgres(ctx, c.Database.URL.Reveal())
	}}
}
