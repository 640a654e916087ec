package redisstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

func (r *rig) take(p otp.Partition, holder string) (otp.Batch, bool) {
	r.t.Helper()
	b, held, err := r.store.Take(r.t.Context(), p, holder, 100, "seed of "+holder)
	r.must(err)
	return b, held
}

func (r *rig) audited(p otp.Partition, holder string, b otp.Batch, seq uint64) (lost bool) {
	r.t.Helper()
	lost, err := r.store.Audited(r.t.Context(), holder, b, otp.Record{Partition: p, Seq: seq, Sum: "sum"})
	r.must(err)
	return lost
}

func (r *rig) happen(p otp.Partition, n int) {
	r.t.Helper()
	for range n {
		r.must(r.store.Tell(r.t.Context(), p, "type", "staff.searched"))
	}
}

func TestAPartitionIsOneExportersUntilItsLeaseIsOver(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.happen(3, 2)
		one, held := r.take(3, "one")
		if held || len(one.Events) != 2 || one.Last.Seq != 0 || one.Seed != "seed of one" {
			t.Fatalf("%t %+v", held, one)
		}
		if _, held := r.take(3, "two"); !held {
			t.Fatal("two have it")
		}
		r.pass(21 * time.Second)
		two, held := r.take(3, "two")
		if held || len(two.Events) != 2 || two.Seed != "seed of one" {
			t.Fatalf("what was not finished came back as %t %+v", held, two)
		}
		if lost := r.audited(3, "one", one, 2); !lost {
			t.Fatal("the first finishes what it has lost")
		}
		if lost := r.audited(3, "two", two, 2); lost {
			t.Fatal("the second has lost it")
		}
		r.happen(3, 1)
		next, _ := r.take(3, "two")
		if len(next.Events) != 1 || next.Last.Seq != 2 || next.Last.Sum != "sum" || next.Seed != "seed of two" {
			t.Fatalf("%+v", next)
		}
	})
}

func TestAStrictTrailRefusesStartsWhileItHasNoRoom(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.store.EventsKept, r.store.AuditStrict = 20, true
		p := r.owner(ask{}.filled()).Partition
		r.happen(p, 10)
		if r.rdb.XInfoStream(t.Context(), "events:{"+p.String()+"}").Val().EntriesAdded == 0 {
			t.Skip("this Redis does not count what it trims")
		}
		if _, err := r.start(ask{}); !errors.Is(err, otp.ErrStoreUnavailable) {
			t.Fatalf("nobody exports, and the answer is %v", err)
		}
		b, _ := r.take(p, "one")
		if _, err := r.start(ask{}); !errors.Is(err, otp.ErrStoreUnavailable) {
			t.Fatalf("nothing is kept, and the answer is %v", err)
		}
		r.audited(p, "one", b, 10)
		r.mustStart(ask{})
		r.happen(p, 9)
		r.pass(11 * time.Second)
		if _, err := r.start(ask{to: "+4915112345678", ns: otp.AddPhone}); !errors.Is(err, otp.ErrStoreUnavailable) {
			t.Fatalf("ten wait again, and the answer is %v", err)
		}
		r.store.AuditStrict = false
		r.pass(time.Minute)
		r.mustStart(ask{ns: otp.AddPhone})
	})
}

func TestWhatIsMissedIsToldUntilItIsKept(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.store.EventsKept = 10
		r.happen(5, 5)
		first, _ := r.take(5, "one")
		r.audited(5, "one", first, 5)
		r.happen(5, 500)
		b, _ := r.take(5, "one")
		if b.Missed == 0 {
			t.Skip("this Redis does not count what it trims")
		}
		if again, _ := r.take(5, "one"); again.Missed != b.Missed {
			t.Fatalf("missed %d, then %d", b.Missed, again.Missed)
		}
		r.audited(5, "one", b, 100)
		if after, _ := r.take(5, "one"); after.Missed != 0 {
			t.Fatalf("told again: %d", after.Missed)
		}
	})
}
