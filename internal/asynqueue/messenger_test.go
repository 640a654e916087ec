package asynqueue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/notify"
)

// deliver serves the notices of a rig until the test ends.
func (r *rig) deliver(f func(ctx context.Context, n notify.Notice, tries int) error) {
	o := r.rdb.Options()
	m := &asynqueue.Messenger{
		Concurrency: 4, Deliver: f, Log: silent, Drain: 5 * time.Second,
		Redis: func() redis.UniversalClient {
			return redis.NewClient(&redis.Options{Addr: o.Addr, DB: o.DB, MaxRetries: 1, DialerRetries: 1})
		},
	}
	r.background(func(ctx context.Context) {
		if err := m.Run(ctx); err != nil {
			r.t.Error(err)
		}
	})
}

func await[T any](t *testing.T, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	return got
}

func TestANoticeGoesThroughTheQueueAsItIsAndOnlyTriesAreCounted(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		n := notify.Notice{ID: "evt_00-1-0_shop", Endpoint: "shop", At: time.Now().UTC().Truncate(time.Millisecond), Body: []byte(`{"type":"a","to_masked":"+49•••89"}`)}
		if err := asynqueue.NewNotices(r.rdb).Put(t.Context(), []notify.Notice{n}); err != nil {
			t.Fatal(err)
		}
		tries := make(chan int)
		answers := []error{&notify.RetryError{}, errors.New("died"), &notify.RetryError{Tried: true}, nil}
		r.deliver(func(_ context.Context, got notify.Notice, before int) error {
			got.At = got.At.UTC()
			var a, b any = n, got
			if diff := cmp.Diff(a, b); diff != "" {
				t.Error(diff)
			}
			err := answers[0]
			answers = answers[1:]
			tries <- before
			return err
		})
		for i, want := range []int{0, 0, 0, 1} {
			if got := await(t, tries); got != want {
				t.Errorf("run %d: %d tries before it, want %d", i, got, want)
			}
		}
	})
}

func TestATaskThatIsNoNoticeIsThrownAway(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		client := asynq.NewClientFromRedisClient(r.rdb)
		for _, task := range []*asynq.Task{asynq.NewTask("something:else", []byte(`{}`)), asynq.NewTask("otpipe:notice", []byte(`{`))} {
			if _, err := client.Enqueue(task, asynq.Queue(asynqueue.NoticeQueue)); err != nil {
				t.Fatal(err)
			}
		}
		n := notify.Notice{ID: "evt_00-1-0_shop", Endpoint: "shop", Body: []byte(`{}`)}
		if err := asynqueue.NewNotices(r.rdb).Put(t.Context(), []notify.Notice{n}); err != nil {
			t.Fatal(err)
		}
		came := make(chan string, 10)
		r.deliver(func(_ context.Context, got notify.Notice, _ int) error { came <- got.ID; return nil })
		if id := await(t, came); id != n.ID || len(came) != 0 {
			t.Errorf("%s was delivered", id)
		}
	})
}
