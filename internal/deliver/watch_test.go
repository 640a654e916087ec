package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
)

// bell is a queue that tells the test what it rang for.
type bell chan otp.Due

func (b bell) Ring(_ context.Context, d otp.Due) { b <- d }

// watching runs a watch over a store until the test ends.
func (r *rig) watching(dues deliver.Dues, partitions int) (rung bell, settled *atomic.Int32) {
	r.t.Helper()
	rung, settled = make(bell, 1000), &atomic.Int32{}
	w := &deliver.Watch{
		Dues: dues, Ringer: rung, Partitions: partitions, Log: slog.New(slog.NewJSONHandler(r.log, nil)),
		Rang: func() {}, Settled: func() { settled.Add(1) },
	}
	ctx, stop := context.WithCancel(r.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.Run(ctx) })
	r.t.Cleanup(func() { stop(); wg.Wait() })
	return rung, settled
}

// patience is far more than the watch needs.
const patience = 10 * time.Second

func (b bell) wait(t *testing.T) otp.Due {
	t.Helper()
	select {
	case d := <-b:
		return d
	case <-time.After(patience):
		t.Fatal("nothing was rung for")
		return otp.Due{}
	}
}

func (b bell) silent(t *testing.T) {
	t.Helper()
	select {
	case d := <-b:
		t.Fatalf("rung for %+v", d)
	default:
	}
}

// until waits for what another goroutine does.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// turns counts the rounds of a watch over one partition.
type turns struct {
	deliver.Dues
	n    atomic.Int32
	fail func(p otp.Partition, n int32) error
}

func (f *turns) Due(ctx context.Context, p otp.Partition, most int) ([]otp.Due, error) {
	if f.fail != nil {
		if err := f.fail(p, f.n.Add(1)); err != nil {
			return nil, err
		}
		return f.Dues.Due(ctx, p, most)
	}
	f.n.Add(1)
	return f.Dues.Due(ctx, p, most)
}

func TestTheWatchRingsForASendThatNobodyTook(t *testing.T) {
	r := newRig(t)
	o := r.start(phone(number)).Order
	r.pass(2 * time.Second)
	rung, _ := r.watching(r.store, 16)
	if d := cmp.Diff(otp.Due{Order: o, Channel: otp.SMS, Overdue: true}, rung.wait(t)); d != "" {
		t.Fatal(d)
	}
}

func TestTheWatchLeavesAFreshSendToTheQueue(t *testing.T) {
	r := newRig(t)
	r.sms()
	f := &turns{Dues: r.store}
	rung, settled := r.watching(f, 16)
	until(t, "a whole round", func() bool { return f.n.Load() >= 16 })
	rung.silent(t)
	if settled.Load() != 0 {
		t.Fatal("settled")
	}
}

func TestTheWatchBringsBackTheSendOfADeadWorkerUnderANewName(t *testing.T) {
	a := vendor("a", takes(otp.Accepted))
	r := newRig(t, a)
	o := r.sms()
	claim, ok, err := r.store.Claim(t.Context(), o, "dies")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, err := r.store.Begin(t.Context(), claim, 1, "a"); err != nil {
		t.Fatal(err)
	}
	r.pass(13 * time.Second)
	rung, _ := r.watching(r.store, 16)
	d := rung.wait(t)
	if diff := cmp.Diff(otp.Due{Order: o, Channel: otp.SMS, Claims: 1, Overdue: true}, d); diff != "" {
		t.Fatal(diff)
	}
	r.done(d.Order)
	r.wrote(o, otp.Accepted, "a unknown", "a accepted")
}

func TestTheWatchSettlesWhatHasExpired(t *testing.T) {
	r := newRig(t)
	o := r.sms()
	r.pass(5*time.Minute + time.Second)
	_, settled := r.watching(r.store, 16)
	until(t, "it is settled", func() bool { return settled.Load() == 1 })
	h := r.history(o)
	if h.Status != otp.Expired || h.Newest().Status() != otp.SendExpired || !h.Newest().Refunded {
		t.Fatalf("%s, %+v", h.Status, h.Newest())
	}
}

func TestTheWatchFindsEverythingOfAPartitionInOneRound(t *testing.T) {
	r := newRig(t)
	want := map[otp.Order]bool{}
	for i := range 300 { // some 150 in each of two partitions, and 100 come at a time
		want[r.startIn(phone(fmt.Sprintf("+49151%08d", i)), 2).Order] = true
	}
	r.pass(2 * time.Second)
	asked := make(chan otp.Partition, 1000)
	rung, _ := r.watching(&turns{Dues: r.store, fail: func(p otp.Partition, _ int32) error { asked <- p; return nil }}, 2)
	for len(want) > 0 {
		d := rung.wait(t)
		if !want[d.Order] {
			t.Fatalf("rung twice for %s", d.Order)
		}
		delete(want, d.Order)
	}
	times := map[otp.Partition]int{}
	for range 4 {
		times[<-asked]++
	}
	if times[0] != 2 || times[1] != 2 {
		t.Fatalf("asked %v, want each partition twice", times)
	}
}

func TestTwoWatchesDoNotRingTwice(t *testing.T) {
	r := newRig(t)
	const sends = 50
	for i := range sends {
		r.start(phone(fmt.Sprintf("+49151%08d", i)))
	}
	r.pass(2 * time.Second)
	one, two := &turns{Dues: r.store}, &turns{Dues: r.store}
	first, _ := r.watching(one, 16)
	second, _ := r.watching(two, 16)
	until(t, "a whole round of both", func() bool { return one.n.Load() >= 16 && two.n.Load() >= 16 })
	until(t, "all are rung for", func() bool { return len(first)+len(second) >= sends })
	if n := len(first) + len(second); n != sends {
		t.Fatalf("rung %d times for %d sends", n, sends)
	}
}

func TestTheWatchOutlivesAStoreThatIsAwayAndSaysSoOnce(t *testing.T) {
	r := newRig(t)
	var round atomic.Int32
	f := &turns{Dues: r.store, fail: func(p otp.Partition, _ int32) error {
		if p == 0 {
			round.Add(1)
		}
		if round.Load() <= 3 {
			return fmt.Errorf("due: %w", otp.ErrStoreUnavailable)
		}
		return nil
	}}
	o := r.sms()
	r.pass(2 * time.Second)
	rung, _ := r.watching(f, 16)
	if d := rung.wait(t); d.Order != o {
		t.Fatalf("rung for %s", d.Order)
	}
	until(t, "it says that the store is back", func() bool { return r.log.count("watch reaches the store again") > 0 })
	if away, back := r.log.count("watch cannot reach the store"), r.log.count("watch reaches the store again"); away != 1 || back != 1 {
		t.Fatalf("said %d times that it is away and %d times that it is back:\n%s", away, back, r.log)
	}
}

// Workers find out one by one that the store is back, up to a second apart, and
// each has outcomes to write down: whoever is first must not take the others' sends.
func TestTheWatchWaitsForTheOtherWorkersOnceTheStoreIsBack(t *testing.T) {
	const away, others = time.Second, 1500 * time.Millisecond
	r := newRig(t)
	o := r.sms()
	r.pass(2 * time.Second)
	back := time.Now().Add(away)
	f := &turns{Dues: r.store, fail: func(otp.Partition, int32) error {
		if time.Now().Before(back) {
			return otp.ErrStoreUnavailable
		}
		return nil
	}}
	rung, _ := r.watching(f, 16)
	if d := rung.wait(t); d.Order != o {
		t.Fatalf("rung for %s", d.Order)
	}
	if waited := time.Since(back); waited < others {
		t.Fatalf("rung %s after the store was back", waited)
	}
}

// A cluster may lack a node, and an entry may be damaged: that is no reason to
// look after nobody else.
func TestAPartitionThatCannotBeReadDoesNotKeepTheWatchFromTheOthers(t *testing.T) {
	r := newRig(t)
	const broken = otp.Partition(0)
	f := &turns{Dues: r.store, fail: func(p otp.Partition, _ int32) error {
		if p == broken {
			return errors.New("due: WRONGTYPE")
		}
		return nil
	}}
	rung, _ := r.watching(f, 16)
	until(t, "two rounds", func() bool { return f.n.Load() > 32 })
	o := r.sms()
	if o.ID.Partition() == broken {
		t.Fatal("choose another number")
	}
	r.pass(2 * time.Second)
	if d := rung.wait(t); d.Order != o {
		t.Fatalf("rung for %s", d.Order)
	}
}

// A node of a cluster that is frozen lets a question wait until it is given up.
func TestAPartitionThatDoesNotAnswerDoesNotKeepTheWatchFromTheOthers(t *testing.T) {
	r := newRig(t)
	silent := make(chan struct{})
	f := &turns{Dues: r.store, fail: func(p otp.Partition, _ int32) error {
		if p == 0 {
			<-silent
		}
		return nil
	}}
	rung, _ := r.watching(f, 16)
	t.Cleanup(func() { close(silent) })
	o := r.sms()
	r.pass(2 * time.Second)
	if d := rung.wait(t); d.Order != o {
		t.Fatalf("rung for %s", d.Order)
	}
}

func TestTheWatchEndsWithItsContextAndSaysNothing(t *testing.T) {
	r := newRig(t)
	ctx, stop := context.WithCancel(t.Context())
	f := &turns{Dues: r.store}
	w := &deliver.Watch{Dues: f, Ringer: make(bell), Partitions: 16, Log: slog.New(slog.NewJSONHandler(r.log, nil)), Rang: func() {}, Settled: func() {}}
	ended := make(chan struct{})
	go func() { w.Run(ctx); close(ended) }()
	until(t, "it runs", func() bool { return f.n.Load() > 0 })
	stop()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("it runs on")
	}
	if r.log.String() != "" {
		t.Fatalf("it says %s", r.log)
	}
}
