// Package sqlstore keeps what has to outlive Redis in a SQL database: PostgreSQL, or
// SQLite for one machine.
package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations
var migrations embed.FS

// DB is a database whose tables are those of this version.
type DB struct {
	db    *sql.DB
	hasty *sql.DB // the same, for those who cannot wait for another writer
	kind  dialect
	made  sync.Map // months that have a partition
}

// dialect is what differs between the two.
type dialect string

const (
	postgres dialect = "postgres"
	sqlite   dialect = "sqlite"
)

const (
	connections  = 32
	connectLimit = 5 * time.Second
	busy         = 5 * time.Second // that SQLite waits for another writer, whatever a context says
	hastyBusy    = 500 * time.Millisecond
	migrateLimit = 30 * time.Second
)

// OpenPostgres opens a database by its URL or connection string, and brings its
// tables up to date. Its errors do not quote a password.
func OpenPostgres(ctx context.Context, target string) (*DB, error) {
	c, err := pgx.ParseConfig(target)
	if err != nil {
		return nil, errors.New("this is no connection string of PostgreSQL") // pgx's words may quote it
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectLimit
	}
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections) // else all but two are opened anew whenever there is much to do
	return migrated(ctx, &DB{db: db, hasty: db, kind: postgres})
}

// OpenSQLite opens a file, makes it if it is not there, and brings its tables up to
// date. Several processes of one machine may use it at once.
func OpenSQLite(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	made, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite would let others read it
	if err != nil {
		return nil, err
	}
	if err := made.Close(); err != nil {
		return nil, err
	}
	db, err := poolOf(path, busy)
	if err != nil {
		return nil, err
	}
	hasty, err := poolOf(path, hastyBusy)
	if err != nil {
		return nil, err
	}
	return migrated(ctx, &DB{db: db, hasty: hasty, kind: sqlite})
}

// poolOf opens a file of SQLite. It makes no connection yet.
func poolOf(path string, wait time.Duration) (*sql.DB, error) {
	settings := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "foreign_keys(ON)",
	}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: settings.Encode()}).String())
	if err != nil {
		return nil, err
	}
	// It has one writer. Who waits for another connection's polls, and may starve; who
	// waits for this one has a turn.
	db.SetMaxOpenConns(1)
	return db, nil
}

// Close ends the use of the database.
func (d *DB) Close() error { return errors.Join(d.db.Close(), d.hasty.Close()) }

// migrated brings the tables up to date. Of several processes that begin at once one
// does it, and the others wait.
func migrated(ctx context.Context, d *DB) (*DB, error) {
	ctx, cancel := context.WithTimeout(ctx, migrateLimit)
	defer cancel()
	err := d.migrate(ctx)
	for err != nil && d.kind == sqlite && ctx.Err() == nil { // it knows no locks between sessions
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
		if again := d.migrate(ctx); again == nil || ctx.Err() == nil {
			err = again
		}
	}
	if err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("bring the tables up to date: %w", err)
	}
	return d, nil
}

func (d *DB) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations/"+string(d.kind))
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithTableName("otpipe_migrations")}
	language := goose.DialectSQLite3
	if d.kind == postgres {
		language = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(language, d.db, files, options...)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}
