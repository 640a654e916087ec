package sqlstore_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/sqlstore"
)

func TestADatabaseThatIsAwayIsOpenedOnceForAllAndAgainLater(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	away := errors.New("away")
	let := make(chan struct{})
	path := filepath.Join(t.TempDir(), "a.db")
	l := &sqlstore.Lazy{Open: func(ctx context.Context) (*sqlstore.DB, error) {
		if tries.Add(1) == 1 {
			<-let
			return nil, away
		}
		return sqlstore.OpenSQLite(ctx, path)
	}}
	hasty, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := l.DB(hasty); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who cannot wait: %v", err)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, err := l.DB(t.Context()); !errors.Is(err, away) {
				t.Errorf("while it is away: %v", err)
			}
		})
	}
	time.Sleep(20 * time.Millisecond) // all of them wait
	close(let)
	wg.Wait()
	one, err := l.DB(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if two, err := l.DB(t.Context()); two != one || err != nil {
		t.Errorf("%v", err)
	}
	if n := tries.Load(); n != 2 {
		t.Errorf("opened %d times", n)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
