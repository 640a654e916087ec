package asynqueue_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redistest"
)

var silent = slog.New(slog.DiscardHandler)

// rig is a queue with a ringer and, once serve is called, a worker.
type rig struct {
	t      *testing.T
	rdb    *redis.Client
	ringer *asynqueue.Ringer
	mu     sync.Mutex
	came   chan otp.Order
	lost   int
}

func newRig(t *testing.T, rdb *redis.Client) *rig {
	r := &rig{t: t, rdb: rdb, came: make(chan otp.Order, 1000)}
	r.ringer = asynqueue.NewRinger(rdb, silent, func(n int) { r.mu.Lock(); r.lost += n; r.mu.Unlock() })
	return r
}

func each(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		t.Parallel()
		test(t, newRig(t, c))
	})
}

// background runs f until the test ends, and waits for it.
func (r *rig) background(f func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	r.t.Cleanup(stop)
	return stop
}

func (r *rig) ring() { r.background(r.ringer.Run) }

func (r *rig) serve(handle func(context.Context, otp.Order) error) (stop func()) {
	o := r.rdb.Options()
	w := &asynqueue.Worker{
		Channel: otp.SMS, Concurrency: 10, Log: silent, Drain: 5 * time.Second,
		Redis: func() redis.UniversalClient {
			return redis.NewClient(&redis.Options{Addr: o.Addr, DB: o.DB, MaxRetries: 1, DialerRetries: 1})
		},
		Deliver: func(ctx context.Context, o otp.Order) error {
			r.came <- o
			if handle == nil {
				return nil
			}
			return handle(ctx, o)
		},
	}
	return r.background(func(ctx context.Context) {
		if err := w.Run(ctx); err != nil {
			r.t.Error(err)
		}
	})
}

func (r *rig) await(n int) (all []otp.Order) {
	r.t.Helper()
	late := time.After(20 * time.Second)
	for len(all) < n {
		select {
		case o := <-r.came:
			all = append(all, o)
		case <-late:
			r.t.Fatalf("%d of %d orders came", len(all), n)
		}
	}
	return all
}

// settled waits until the queue is empty.
func (r *rig) settled() {
	r.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		keys := r.rdb.Keys(r.t.Context(), "asynq:{sms}:t:*").Val()
		if len(keys) == 0 {
			return
		}
	}
	r.t.Fatal("tasks are left")
}

func order(n int) otp.Due {
	return otp.Due{Order: otp.Order{ID: otp.NewID(otp.Partition(n)), Send: 1}, Channel: otp.SMS}
}

func TestEveryOrderRungForComes(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.ring()
		r.serve(nil)
		var want []otp.Order
		for i := range 300 {
			d := order(i % 16)
			want = append(want, d.Order)
			r.ringer.Ring(t.Context(), d)
		}
		got := r.await(300)
		byID := func(a, b otp.Order) int { return strings.Compare(string(a.ID), string(b.ID)) }
		slices.SortFunc(want, byID)
		slices.SortFunc(got, byID)
		if !slices.Equal(want, got) {
			t.Fatal("other orders came")
		}
		r.settled()
	})
}

func TestATaskHoldsAnIDAndASendNumberAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.ring()
		d := order(3)
		r.ringer.Ring(t.Context(), d)
		in := asynq.NewInspectorFromRedisClient(r.rdb)
		var tasks []*asynq.TaskInfo
		for end := time.Now().Add(5 * time.Second); len(tasks) == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			tasks, _ = in.ListPendingTasks("sms")
		}
		if len(tasks) != 1 || string(tasks[0].Payload) != d.Order.String() {
			t.Fatalf("tasks %+v", tasks)
		}
		if !tasks[0].Deadline.IsZero() || tasks[0].Retention != 0 || tasks[0].Timeout != 2*time.Minute {
			t.Fatalf("task %+v", tasks[0])
		}
	})
}

func TestTheSameOrderRungForTwiceComesOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		d := order(1)
		for range 5 {
			r.ringer.Ring(t.Context(), d)
		}
		r.background(r.ringer.Run)() // all five, before any is taken
		hold := make(chan struct{})
		r.serve(func(context.Context, otp.Order) error { <-hold; return nil })
		r.await(1)
		close(hold)
		r.settled()
		if n := len(r.came); n != 0 {
			t.Fatalf("came %d times more", n)
		}
	})
}

func TestAnOrderWhoseTaskADeadWorkerTookIsRungForUnderAnotherName(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.ring()
		d := order(1)
		// A worker that takes the task and dies before it claims the send leaves
		// it active; here it hangs in its handler.
		hang := make(chan struct{})
		stop := r.serve(func(context.Context, otp.Order) error { <-hang; return nil })
		defer stop()
		defer close(hang)
		r.ringer.Ring(t.Context(), d)
		r.await(1)
		d.Overdue = true
		r.ringer.Ring(t.Context(), d)
		if got := r.await(1); got[0] != d.Order {
			t.Fatalf("came %v", got)
		}
	})
}

func TestARestartedRedisThatForgotTheScriptIsRungAllTheSame(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.ring()
		r.serve(nil)
		r.ringer.Ring(t.Context(), order(1))
		r.await(1)
		if err := r.rdb.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		r.ringer.Ring(t.Context(), order(2))
		r.await(1)
	})
}

func TestARefusedOrderComesAgainAndNothingIsArchived(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.ring()
		var tries int
		secret := "+4915112345678 123456"
		r.serve(func(context.Context, otp.Order) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			if tries++; tries < 3 {
				return errors.Join(&deliver.RetryError{After: 0}, errors.New(secret))
			}
			return nil
		})
		r.ringer.Ring(t.Context(), order(1))
		r.await(1)
		for _, key := range r.rdb.Keys(t.Context(), "asynq:{sms}:t:*").Val() {
			if strings.Contains(r.rdb.HGet(t.Context(), key, "msg").Val(), "4915") {
				t.Fatal("an error's words stand in the queue")
			}
		}
		r.await(2)
		r.settled()
		if n := r.rdb.ZCard(t.Context(), "asynq:{sms}:archived").Val(); n != 0 {
			t.Fatalf("%d archived", n)
		}
	})
}

func TestATaskThatIsNoOrderIsThrownAway(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		c := asynq.NewClientFromRedisClient(r.rdb)
		if _, err := c.Enqueue(asynq.NewTask("otpipe:send", []byte("VE1/x")), asynq.Queue("sms")); err != nil {
			t.Fatal(err)
		}
		r.serve(nil)
		r.settled()
		if n := r.rdb.ZCard(t.Context(), "asynq:{sms}:archived").Val(); n != 0 || len(r.came) != 0 {
			t.Fatalf("%d archived, %d delivered", n, len(r.came))
		}
	})
}

func TestStoppingWaitsForWhatRunsAndLeavesTheRest(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.ring()
		began, finish := make(chan struct{}), make(chan struct{})
		var finished bool
		stop := r.serve(func(context.Context, otp.Order) error {
			close(began)
			<-finish
			finished = true
			return nil
		})
		r.ringer.Ring(t.Context(), order(1))
		<-began
		time.AfterFunc(50*time.Millisecond, func() { close(finish) })
		stop()
		if !finished {
			t.Fatal("stopped before the hand-over had finished")
		}
		r.settled()
	})
}

// Waking is what makes a hand-over begin at once. This does not measure it (see
// bench), but a server that only polled once a second, as asynq does by itself,
// would need most of a minute for a hundred orders in a row.
func TestAnIdleWorkerIsWokenByAnOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, redistest.Client(t))
	r.ring()
	r.serve(nil)
	began := time.Now()
	for i := range 100 {
		r.ringer.Ring(t.Context(), order(i%16))
		r.await(1)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Fatalf("a hundred orders took %s", took)
	}
}
