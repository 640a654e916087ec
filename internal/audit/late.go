package audit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Late is a library that is opened when it is first used, and again if that failed:
// a process that has other things to do must not wait for it at its start.
type Late struct {
	Open func(ctx context.Context) (Library, error)

	mu      sync.Mutex
	library Library
}

// get is the library, opened.
func (l *Late) get(ctx context.Context) (Library, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.library != nil {
		return l.library, nil
	}
	library, err := l.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the archive: %w", err)
	}
	l.library = library
	return library, nil
}

// Append keeps records.
func (l *Late) Append(ctx context.Context, records []otp.Record) error {
	library, err := l.get(ctx)
	if err != nil {
		return err
	}
	return library.Append(ctx, records)
}

// Prune gives up what is older.
func (l *Late) Prune(ctx context.Context, before time.Time) error {
	library, err := l.get(ctx)
	if err != nil {
		return err
	}
	return library.Prune(ctx, before)
}

// Search finds the newest records first.
func (l *Late) Search(ctx context.Context, q Query) (found []otp.Record, next string, err error) {
	library, err := l.get(ctx)
	if err != nil {
		return nil, "", err
	}
	return library.Search(ctx, q)
}

// Walk visits the records of a partition.
func (l *Late) Walk(ctx context.Context, p otp.Partition, from uint64, since time.Time, visit func(otp.Record) error) error {
	library, err := l.get(ctx)
	if err != nil {
		return err
	}
	return library.Walk(ctx, p, from, since, visit)
}

// Forget erases what is personal about a recipient.
func (l *Late) Forget(ctx context.Context, of otp.Anchor) (int, error) {
	library, err := l.get(ctx)
	if err != nil {
		return 0, err
	}
	return library.Forget(ctx, of)
}

// Close ends its use, if there was any.
func (l *Late) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.library == nil {
		return nil
	}
	return l.library.Close()
}
