package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/otp"
)

func TestEveryEventHasOneRecordOfItsPartitionsChain(t *testing.T) {
	r := newRig(t)
	e := r.exporter("one")
	r.tell(0, 3)
	r.tell(2, 450)
	r.round(e)
	r.tell(0, 2)
	r.round(e)
	r.round(e)
	r.sound(0, 5)
	r.sound(1, 0)
	got := r.archive.records[0]
	if got.Kind != "verification.created" || got.Namespace != otp.PhoneAuth || got.Send != 1 || got.Personal == nil ||
		got.Personal.To != "+49•••89" || got.Personal.Anchor != "anchor-of-ada" || len(got.Personal.Salt) != 32 {
		t.Errorf("%+v %+v", got, got.Personal)
	}
}

func TestWhoAskedIsInTheRecordAndTheirWordsCanBeErased(t *testing.T) {
	r := newRig(t)
	ctx := otp.WithCaller(otp.WithRequestID(t.Context(), "req-1"), "shop")
	for _, pairs := range [][]string{
		{"type", "verification.created", "ns", "phone-auth"},
		{"type", "recipient.unlocked", "actor", "ada", "reason", "called from +4915112345678"},
		{"type", "staff.signed_in", "actor", "ada", "way", "password"},
		{"type", "staff.refused", "actor", "bob", "way", "oidc", "reason", "no_role"},
	} {
		if err := r.store.Tell(ctx, 0, pairs...); err != nil {
			t.Fatal(err)
		}
	}
	r.round(r.exporter("one"))
	all := r.archive.records
	if all[0].Actor != "shop" || all[0].Request != "req-1" || all[0].Personal != nil {
		t.Errorf("%+v", all[0])
	}
	if all[1].Actor != "ada" || all[1].Reason != "" || all[1].Personal.Note != "called from +4915112345678" {
		t.Errorf("%+v", all[1])
	}
	if all[2].Reason != "password" || all[3].Reason != "oidc no_role" || all[3].Actor != "bob" {
		t.Errorf("%+v\n%+v", all[2], all[3])
	}
}

func TestWhileTheArchiveIsDownNothingIsLost(t *testing.T) {
	r := newRig(t)
	e := r.exporter("one")
	r.archive.before = errBroken
	for range 3 {
		r.tell(1, 30)
		if err := e.Round(t.Context()); !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
	}
	r.tell(3, 2)
	r.archive.before = nil
	r.round(e)
	r.round(e)
	r.sound(1, 90)
	r.sound(3, 2)
}

// A process may die between any two steps: before its records are kept, after that,
// and after it has said so. Whoever comes next makes the same records, or goes on.
func TestAProcessThatDiesAtAnyStepLeavesAWholeChain(t *testing.T) {
	for name, c := range map[string]struct {
		kept bool
		rest int // records that its successor adds
	}{"before its records are kept": {false, 10}, "after they are kept": {true, 0}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			dying, stop := context.WithCancel(t.Context())
			first := r.exporter("first")
			first.Events = cutOff{r.store, dying}
			r.tell(0, 10)
			r.archive.after = stop
			if !c.kept {
				r.archive.before = errBroken
			}
			if err := first.Round(t.Context()); err == nil {
				t.Fatal("it did not die")
			}
			r.archive.before, r.archive.after = nil, nil
			r.tell(0, 5)
			second := r.exporter("second")
			r.round(second)
			if n := len(r.archive.records); c.kept && n != 10 {
				t.Fatalf("%d records while the first has the partition", n)
			}
			r.expire()
			r.round(second)
			r.sound(0, 15)
			if n := len(r.archive.records); n != 15 {
				t.Errorf("%d records are kept", n)
			}
		})
	}
}

// An archive that cannot be read gets the same records again, which is harmless.
func TestWhatIsKeptAgainIsTheSame(t *testing.T) {
	r := newRig(t)
	dying, stop := context.WithCancel(t.Context())
	first := r.exporter("first")
	first.Archive, first.Events = blind{r.archive}, cutOff{r.store, dying}
	r.archive.after = stop
	r.tell(0, 10)
	if err := first.Round(t.Context()); err == nil {
		t.Fatal("it did not die")
	}
	r.archive.after = nil
	r.expire()
	r.tell(0, 5)
	second := r.exporter("second")
	second.Archive = blind{r.archive}
	r.round(second)
	r.round(second)
	if v := r.verify(0); v.Records != 15 || v.Doubles != 10 || len(v.Faults) > 0 {
		t.Errorf("%+v", v)
	}
}

func TestTwoExportersNeverForkAChain(t *testing.T) {
	r := newRig(t)
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for _, name := range []string{"one", "two", "three"} {
		e := r.exporter(name)
		all.Go(func() {
			for ctx.Err() == nil {
				if err := e.Round(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		for p := range otp.Partition(partitions) {
			r.tell(p, 5)
		}
	}
	for end := time.Now().Add(30 * time.Second); r.verify(3).Records < 100 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	stop()
	all.Wait()
	for p := range otp.Partition(partitions) {
		r.sound(p, 100)
	}
}

// What does not fit into the backlog is gone. The chain says how much, and goes on.
func TestWhatWasTrimmedIsCountedInTheChain(t *testing.T) {
	r := newRig(t)
	e := r.exporter("one")
	r.tell(0, 10)
	r.round(e)
	r.archive.before = errBroken
	r.tell(0, 50)
	_ = e.Round(t.Context())
	r.tell(0, 2000)
	r.archive.before = nil
	for range 20 {
		r.round(e)
	}
	v := r.verify(0)
	if len(v.Faults) > 0 || v.Missed == 0 || v.Missed != r.missed {
		t.Fatalf("%+v, and %d were told", v, r.missed)
	}
	marks := 0
	for _, record := range r.archive.records {
		if record.Kind == audit.KindMissed {
			marks++
		}
	}
	if events := v.Records - marks; events+v.Missed != 2060 {
		t.Errorf("%d records and %d missed are not 2060", events, v.Missed)
	}
}

// cutOff is a store that can no longer be told that records are kept.
type cutOff struct {
	audit.Events
	alive context.Context //nolint:containedctx // of a process that the test ends
}

func (c cutOff) Audited(context.Context, string, otp.Batch, otp.Record) (bool, error) {
	<-c.alive.Done()
	return false, errBroken
}

// blind is an archive that can only be written.
type blind struct{ audit.Archive }

// expire ends all leases, as time would.
func (r *rig) expire() {
	r.store.Offset = func() time.Duration { return 21 * time.Second }
}

func TestWordsThatAreNoTextDoNotLookLikeAForgery(t *testing.T) {
	r := newRig(t)
	if err := r.store.Tell(t.Context(), 0, "type", "recipient.unlocked", "actor", "a\xffb", "reason", "called\xff"); err != nil {
		t.Fatal(err)
	}
	r.round(r.exporter("one"))
	for i, record := range r.archive.records { // as an archive that keeps JSON has it
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		r.archive.records[i] = otp.Record{}
		if err := json.Unmarshal(text, &r.archive.records[i]); err != nil {
			t.Fatal(err)
		}
	}
	r.sound(0, 1)
}
