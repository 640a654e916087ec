package audit_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/audittest"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
)

const partitions = 4

// rig is exporters over a real store, and an archive that the test looks into and
// breaks.
type rig struct {
	*testing.T
	store   *redisstore.Store
	keys    otp.Keys
	archive *shelf
	missed  int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	t.Parallel()
	r := &rig{T: t, keys: audittest.Keys(t), archive: &shelf{}}
	r.store = &redisstore.Store{Redis: redistest.Client(t), Retention: time.Hour, EventsKept: 200}
	return r
}

// exporter is a worker's.
func (r *rig) exporter(name string) *audit.Exporter {
	return &audit.Exporter{
		Events: r.store, Archive: r.archive, Keys: r.keys, Partitions: partitions, Holder: name,
		Log: slog.New(slog.DiscardHandler), Kept: func(int) {}, Missed: func(n int) { r.missed += n },
		Behind: func(time.Duration) {}, Failing: func(bool) {},
	}
}

func (r *rig) round(e *audit.Exporter) {
	r.Helper()
	if err := e.Round(r.Context()); err != nil {
		r.Fatal(err)
	}
}

// tell has so many things happen in a partition.
func (r *rig) tell(p otp.Partition, n int) {
	r.Helper()
	for range n {
		err := r.store.Tell(r.Context(), p, "type", "verification.created", "ns", "phone-auth", "to", "+49•••89", "an", "anchor-of-ada", "send", "1")
		if err != nil {
			r.Fatal(err)
		}
	}
}

// verify reads a chain as an auditor does.
func (r *rig) verify(p otp.Partition) audit.Verdict {
	r.Helper()
	head, err := r.store.AuditHead(r.Context(), p)
	if err != nil {
		r.Fatal(err)
	}
	v, err := audit.Verify(r.Context(), r.archive, r.keys, p, head)
	if err != nil {
		r.Fatal(err)
	}
	return v
}

// sound wants a whole chain of so many records.
func (r *rig) sound(p otp.Partition, records int) {
	r.Helper()
	if v := r.verify(p); v.Records != records || len(v.Faults) > 0 {
		r.Errorf("%+v, want %d records", v, records)
	}
}

var errBroken = errors.New("the archive is broken")

// shelf is an archive in memory. It does not look at what it is given twice, as
// files do not.
type shelf struct {
	mu      sync.Mutex
	records []otp.Record
	before  error  // of Append, which keeps nothing then
	after   func() // what happens once records are kept
}

func (s *shelf) Append(_ context.Context, records []otp.Record) error {
	s.mu.Lock()
	if s.before != nil {
		s.mu.Unlock()
		return s.before
	}
	s.records = append(s.records, records...)
	after := s.after
	s.mu.Unlock()
	if after != nil {
		after()
	}
	return nil
}

func (s *shelf) Prune(context.Context, time.Time) error { return nil }
func (s *shelf) Close() error                           { return nil }

func (s *shelf) Search(context.Context, audit.Query) ([]otp.Record, string, error) {
	return nil, "", nil
}
func (s *shelf) Forget(context.Context, otp.Anchor) (int, error) { return 0, nil }

func (s *shelf) Walk(_ context.Context, p otp.Partition, from uint64, _ time.Time, visit func(otp.Record) error) error {
	s.mu.Lock()
	all := slices.DeleteFunc(slices.Clone(s.records), func(r otp.Record) bool { return r.Partition != p || r.Seq < from })
	s.mu.Unlock()
	slices.SortStableFunc(all, func(a, b otp.Record) int { return int(a.Seq) - int(b.Seq) })
	for _, r := range all {
		if err := visit(r); err != nil {
			return err
		}
	}
	return nil
}
