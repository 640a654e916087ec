package sqlstore

import (
	"context"
	"fmt"
	"sync"
)

// Lazy is a database that is opened when it is first used, and again while that
// fails: no process waits for it at its start, and it comes back by itself.
type Lazy struct {
	Open func(ctx context.Context) (*DB, error)

	mu      sync.Mutex
	db      *DB
	opening *attempt // nil: nobody is at it
	closed  bool
}

// attempt is one try to open it, which many may wait for.
type attempt struct {
	done chan struct{}
	db   *DB
	err  error
}

// DB is the database. Callers wait for it as long as their own ctx lets them,
// together for one attempt.
func (l *Lazy) DB(ctx context.Context) (*DB, error) {
	l.mu.Lock()
	if l.db != nil {
		defer l.mu.Unlock()
		return l.db, nil
	}
	if l.opening == nil {
		l.opening = &attempt{done: make(chan struct{})}
		go l.open(l.opening) //nolint:gosec // many wait for it, and none of them may end it
	}
	a := l.opening
	l.mu.Unlock()
	select {
	case <-a.done:
		return a.db, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("open the database: %w", ctx.Err())
	}
}

func (l *Lazy) open(a *attempt) {
	ctx, cancel := context.WithTimeout(context.Background(), migrateLimit)
	defer cancel()
	db, err := l.Open(ctx)
	if err != nil {
		a.err = fmt.Errorf("open the database: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a.db, l.db, l.opening = db, db, nil
	if l.closed && db != nil {
		_ = db.Close()
	}
	close(a.done)
}

// Close ends its use, if there was any.
func (l *Lazy) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.db == nil {
		return nil
	}
	return l.db.Close()
}
