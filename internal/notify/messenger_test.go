package notify_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/notify"
)

// always is an endpoint that says the same every time.
type always struct{ err error }

func (a always) Post(context.Context, notify.Notice) error { return a.err }

// life lets a messenger try one notice until it gives up.
func life(t *testing.T, refusal error) (waits []time.Duration, outcomes []string) {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	n := notify.Notice{ID: "evt_00-1-0_shop", Endpoint: "shop", At: now}
	m := &notify.Messenger{
		Poster: always{refusal}, Log: silent, Now: func() time.Time { return now },
		Ended: func(_, outcome string) { outcomes = append(outcomes, outcome) },
	}
	for tries := 0; ; tries++ {
		err := m.Deliver(t.Context(), n, tries)
		if err == nil {
			return waits, outcomes
		}
		again, ok := errors.AsType[*notify.RetryError](err)
		if !ok || !again.Tried || tries > 100 {
			t.Fatalf("%d tries: %v", tries, err)
		}
		waits = append(waits, again.After)
		now = now.Add(again.After)
	}
}

func total(all []time.Duration) (sum time.Duration) {
	for _, d := range all {
		sum += d
	}
	return sum
}

func TestANoticeIsTriedForThreeDaysAndThenDropped(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"no answer": errors.New("silence"), "500": &notify.Refusal{Status: 500}, "404": &notify.Refusal{Status: 404},
		"a redirect": &notify.Refusal{Status: 302}, "a private address": notify.ErrPrivate,
	} {
		waits, outcomes := life(t, err)
		if len(waits) != 9 || waits[0] != 5*time.Second || waits[1] != 5*time.Minute || outcomes[len(outcomes)-1] != notify.Dropped {
			t.Errorf("%s: %v, %v", name, waits, outcomes)
		}
		if sum := total(waits); sum > 72*time.Hour || sum < 70*time.Hour {
			t.Errorf("%s: it was tried for %s", name, sum)
		}
	}
}

func TestAnEndpointThatIsGoneIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	for _, err := range []error{&notify.Refusal{Status: 410, RetryAfter: time.Hour}, notify.ErrNoEndpoint} {
		if waits, outcomes := life(t, err); len(waits) != 0 || len(outcomes) != 1 || outcomes[0] != notify.Dropped {
			t.Errorf("%v: %v, %v", err, waits, outcomes)
		}
	}
}

func TestRetryAfterPutsTheNextTryOffAndNeverForward(t *testing.T) {
	t.Parallel()
	waits, _ := life(t, &notify.Refusal{Status: 429, RetryAfter: time.Hour})
	for i, want := range []time.Duration{time.Hour, time.Hour, time.Hour, 2 * time.Hour, 5 * time.Hour} {
		if waits[i] != want {
			t.Errorf("wait %d is %s, want %s", i, waits[i], want)
		}
	}
	if sum := total(waits); sum > 72*time.Hour {
		t.Errorf("it was tried for %s", sum)
	}
}

// room is an endpoint that holds whoever posts.
type room struct{ in, out chan struct{} }

func (r room) Post(context.Context, notify.Notice) error {
	r.in <- struct{}{}
	<-r.out
	return nil
}

func TestAnEndpointIsPostedOnlySoManyAtATimeAndTheOthersAreNoTries(t *testing.T) {
	t.Parallel()
	r := room{make(chan struct{}), make(chan struct{})}
	m := &notify.Messenger{Poster: r, Log: silent, Now: time.Now, Ended: func(string, string) {}}
	done := make(chan error, notify.Each)
	for range notify.Each {
		go func() { done <- m.Deliver(t.Context(), notify.Notice{Endpoint: "shop"}, 0) }()
		<-r.in
	}
	err := m.Deliver(t.Context(), notify.Notice{Endpoint: "shop", At: time.Now()}, 0)
	if again, ok := errors.AsType[*notify.RetryError](err); !ok || again.Tried {
		t.Errorf("one more: %v", err)
	}
	go func() { done <- m.Deliver(t.Context(), notify.Notice{Endpoint: "other"}, 0) }()
	<-r.in
	close(r.out)
	for range notify.Each + 1 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// full is a messenger whose endpoint "shop" hangs and has no room, at a time that
// the test sets.
func full(t *testing.T, now *time.Time) (m *notify.Messenger, outcomes chan string) {
	t.Helper()
	outcomes = make(chan string, notify.Each+1)
	r := room{make(chan struct{}), make(chan struct{})}
	m = &notify.Messenger{
		Poster: r, Log: silent, Now: func() time.Time { return *now },
		Ended: func(_, outcome string) { outcomes <- outcome },
	}
	var all sync.WaitGroup
	for range notify.Each {
		all.Go(func() { _ = m.Deliver(context.WithoutCancel(t.Context()), notify.Notice{Endpoint: "shop"}, 0) })
		<-r.in
	}
	t.Cleanup(func() { close(r.out); all.Wait() })
	return m, outcomes
}

func TestANoticeWithoutRoomComesBackTheRarerTheLongerItHasWaited(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	n := notify.Notice{Endpoint: "shop", At: now}
	m, _ := full(t, &now)
	runs := 0
	for end := now.Add(time.Hour); now.Before(end); runs++ {
		again, ok := errors.AsType[*notify.RetryError](m.Deliver(t.Context(), n, 0))
		if !ok || again.Tried || again.After < 2*time.Second || again.After > 5*time.Minute {
			t.Fatalf("after %s: %v", now.Sub(n.At), again)
		}
		now = now.Add(again.After)
	}
	if runs > 25 {
		t.Errorf("it was taken out of the queue %d times in an hour", runs)
	}
}

func TestANoticeThatNeverGetsRoomIsDroppedAfterThreeDays(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m, outcomes := full(t, &now)
	if err := m.Deliver(t.Context(), notify.Notice{Endpoint: "shop", At: now.Add(-73 * time.Hour)}, 0); err != nil {
		t.Errorf("it comes back: %v", err)
	}
	if len(outcomes) != 1 || <-outcomes != notify.Dropped {
		t.Error("it does not count as dropped")
	}
}

func TestTheLogNamesTheNoticeAndNotWhatItSays(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	m := &notify.Messenger{
		Poster: always{errors.New("canary")}, Now: time.Now, Ended: func(string, string) {},
		Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	_ = m.Deliver(t.Context(), notify.Notice{ID: "evt_1", Endpoint: "shop", At: time.Now(), Body: []byte(`{"canary":1}`)}, 0)
	m.Poster = always{}
	_ = m.Deliver(t.Context(), notify.Notice{ID: "evt_1", Endpoint: "shop", At: time.Now(), Body: []byte(`{"canary":1}`)}, 0)
	said := log.String()
	for _, want := range []string{
		`"level":"WARN","msg":"notice","outcome":"retried","reason":"no_answer","endpoint":"shop","notice":"evt_1"}`,
		`"level":"DEBUG","msg":"notice","outcome":"delivered","reason":"","endpoint":"shop","notice":"evt_1"}`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("want %s in %s", want, said)
		}
	}
	if strings.Contains(said, "canary") {
		t.Error(said)
	}
}
