package notify_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/notify"
	"github.com/otpipe/otpipe/internal/redisstore"
	"github.com/otpipe/otpipe/internal/redistest"
	"github.com/otpipe/otpipe/internal/webhook"
)

const secret = "whsec_Y2FuYXJ5LW9mLXRoZS1maXJzdC1zZWNyZXQtLS0="

var silent = slog.New(slog.DiscardHandler)

// posted is a notice as it arrived.
type posted struct {
	id, body string
	header   http.Header
}

// endpoint is a product's backend.
type endpoint struct {
	mu     sync.Mutex
	came   []posted
	status func(n int) int // of the nth post; nil: 204
	news   chan struct{}
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	e.came = append(e.came, posted{r.Header.Get("webhook-id"), string(body), r.Header})
	status := http.StatusNoContent
	if e.status != nil {
		status = e.status(len(e.came))
	}
	e.mu.Unlock()
	w.WriteHeader(status)
	e.news <- struct{}{}
}

// await waits for so many posts in all.
func (e *endpoint) await(t *testing.T, n int) []posted {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		e.mu.Lock()
		got := append([]posted(nil), e.came...)
		e.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-e.news:
		case <-late:
			t.Fatalf("%d of %d posts came", len(got), n)
		}
	}
}

// rig is a store, a queue and endpoints, with the rooms between them as they are.
type rig struct {
	*testing.T
	rdb       *redis.Client
	store     *redisstore.Store
	endpoints map[string]*endpoint
	urls      map[string]string

	mu       sync.Mutex
	outcomes map[string]int
	missed   int
}

func newRig(t *testing.T, names ...string) *rig {
	r := &rig{T: t, rdb: redistest.Client(t), endpoints: map[string]*endpoint{}, urls: map[string]string{}, outcomes: map[string]int{}}
	r.store = &redisstore.Store{Redis: r.rdb, Retention: time.Hour, EventsKept: 1000}
	for _, name := range names {
		e := &endpoint{news: make(chan struct{}, 1000)}
		s := httptest.NewServer(e)
		t.Cleanup(s.Close)
		r.endpoints[name], r.urls[name] = e, s.URL
	}
	return r
}

// add puts an event into the stream of partition 00, as record.lua does.
func (r *rig) add(kind string, more ...string) {
	r.Helper()
	values := append([]string{
		"type", kind, "id", "VE00000000000000000000000000000001", "ns", "phone-auth", "an", "canary-anchor", "to", "+49•••••••89",
	}, more...)
	if err := r.rdb.XAdd(r.Context(), &redis.XAddArgs{Stream: "events:{00}", Values: values}).Err(); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) group(name string) redisstore.Group {
	return redisstore.Group{Store: r.store, Name: name}
}

func (r *rig) listener(wants ...notify.Endpoint) *notify.Listener {
	return &notify.Listener{
		Name: "notices", Events: r.group("notices"), Partitions: 1, Left: time.Hour, Log: silent,
		Hearer: &notify.Scribe{Queue: asynqueue.NewNotices(r.rdb), Endpoints: wants, Log: silent},
		Missed: func(n int) { r.mu.Lock(); r.missed += n; r.mu.Unlock() },
		Behind: func(time.Duration) {}, Now: time.Now,
	}
}

func queueOf(l *notify.Listener) notify.Queue { return l.Hearer.(*notify.Scribe).Queue }

func setQueue(l *notify.Listener, q notify.Queue) { l.Hearer.(*notify.Scribe).Queue = q }

func (r *rig) messenger(log *slog.Logger) *notify.Messenger {
	all := map[string]webhook.Endpoint{}
	secrets, err := webhook.NewSecrets(secret)
	if err != nil {
		r.Fatal(err)
	}
	for name, url := range r.urls {
		h := webhook.NewGuardedClient(notify.Each, true)
		r.Cleanup(h.CloseIdleConnections)
		all[name] = webhook.Endpoint{URL: url, Secrets: secrets, HTTP: h}
	}
	return &notify.Messenger{
		Poster: webhook.Notices{Endpoints: all, Now: time.Now}, Log: log, Now: time.Now,
		Ended: func(e, outcome string) { r.mu.Lock(); r.outcomes[e+" "+outcome]++; r.mu.Unlock() },
	}
}

// post serves the queue until the test ends.
func (r *rig) post() (stop func()) {
	m := r.messenger(silent)
	o := r.rdb.Options()
	worker := &asynqueue.Messenger{
		Concurrency: 3 * notify.Each, Deliver: m.Deliver, Log: silent, Drain: 5 * time.Second,
		Redis: func() redis.UniversalClient { return redis.NewClient(&redis.Options{Addr: o.Addr, DB: o.DB}) },
	}
	return r.background(func(ctx context.Context) {
		if err := worker.Run(ctx); err != nil {
			r.Error(err)
		}
	})
}

// background runs f until the test ends, and waits for it.
func (r *rig) background(f func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	r.Cleanup(stop)
	return stop
}

func verify(p posted, secret string) error {
	wh, err := standard.NewWebhook(secret)
	if err != nil {
		return fmt.Errorf("secret: %w", err)
	}
	return wh.Verify([]byte(p.body), p.header)
}
