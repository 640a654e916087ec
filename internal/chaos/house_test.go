package chaos_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/redistest"
)

// house is a redis-server, an api, workers, two vendors and two mail relays, of
// which the first are preferred.
type house struct {
	testing.TB
	dir            string
	redis          *redistest.Server
	redisURL       string
	primary        *vendor
	backup         *vendor
	relay, spare   *relay
	ledger         *ledger
	api            *process
	client         *client // of api
	public         string  // where vendors report; "" if they do not
	people         atomic.Int64
	remark         string        // what the table says beside the figures
	workersStarted atomic.Int64  // so far
	patience       time.Duration // for all sends to come to rest
}

// settle is how long sends may take to come to rest when faults are over: two
// hand-overs that hang, the ends of their leases, and a machine with other work.
const settle = 90 * time.Second

// open starts all but the workers.
func open(t testing.TB, s scenario) *house {
	t.Helper()
	h := &house{TB: t, dir: t.TempDir(), ledger: newLedger(), patience: settle}
	h.redis = redistest.Start(t, "--appendonly", "yes")
	h.redisURL = "redis://" + h.redis.Addr() + "/0"
	h.primary = startVendor(t, "primary", primaryAccount, h.ledger)
	h.backup = startVendor(t, "backup", backupAccount, h.ledger)
	h.relay = startRelay(t, "relay", h.ledger)
	h.spare = startRelay(t, "spare", h.ledger)
	listen := port(t)
	if !s.silent {
		h.public = "http://" + listen
	}
	h.api, h.client = h.startAPI(settings{Listen: listen})
	return h
}

// startAPI starts an api and waits until it is ready.
func (h *house) startAPI(s settings) (*process, *client) {
	h.Helper()
	if s.Listen == "" {
		s.Listen = port(h)
	}
	return h.start("api", s), newClient(s.Listen)
}

// worker starts a worker and waits until it is ready.
func (h *house) worker() *process {
	h.Helper()
	h.workersStarted.Add(1)
	return h.start("worker", settings{Listen: "127.0.0.1:0"})
}

func (h *house) start(name string, s settings) *process {
	h.Helper()
	s.Admin, s.PublicURL = port(h), h.public
	if s.Redis = h.redisURL; s.Queue == "" {
		s.Queue = h.redisURL
	}
	p := launch(h, h.dir, name, h.write(s), s.Admin)
	p.ready(h)
	return p
}

// phones are numbers that nobody else in this house has.
func (h *house) phones(n int) (all []string) {
	for range n {
		all = append(all, fmt.Sprintf("+491512%07d", 3_000_000+h.people.Add(1)))
	}
	return all
}

// mailboxes are likewise.
func (h *house) mailboxes(n int) (all []string) {
	for range n {
		all = append(all, fmt.Sprintf("someone%d@mail.example", h.people.Add(1)))
	}
	return all
}

// ask asks for a code for everybody, some at a time. Nobody may be refused.
func (h *house) ask(to []string) {
	h.Helper()
	crowd(to, func(one string) {
		if got := h.promise(h.client, one, ""); got.status != http.StatusAccepted {
			h.Errorf("start: %s", got)
		}
	})
}

// stream asks for a code for everybody at a rate, and goes on whatever the
// answers are.
func (h *house) stream(to []string, every time.Duration) (answers []answer) {
	answers = make([]answer, len(to))
	var asking sync.WaitGroup
	next := time.NewTicker(every)
	defer next.Stop()
	for i, one := range to {
		<-next.C
		asking.Go(func() { answers[i] = h.promise(h.client, one, "") })
	}
	asking.Wait()
	return answers
}

// promise asks for a code, and writes a 202 into the ledger.
func (h *house) promise(c *client, to, key string) answer {
	p := promise{to: to, asked: time.Now()}
	a := c.ask(to, key)
	if a.status == http.StatusAccepted {
		p.id = idOf(a)
		h.ledger.promise(p)
	}
	return a
}

// settled waits until no promise is worked on any more.
func (h *house) settled() {
	h.Helper()
	left := h.ledger.promised()
	for end := time.Now().Add(h.patience); ; time.Sleep(100 * time.Millisecond) {
		if left = h.restless(left); len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			v, _ := h.client.get(left[0].id)
			h.Errorf("%d sends do not come to rest within %s, such as %s: %s", len(left), h.patience, v.ID, v.life())
			return
		}
	}
}

// restless are the promises that are still worked on, and those of which a vendor
// has yet to report what became of them.
func (h *house) restless(all []promise) (left []promise) {
	var mu sync.Mutex
	crowd(all, func(p promise) {
		v, ok := h.client.get(p.id)
		if ok && v.rests() && (v.failed() || len(h.ledger.of(p.to)) > 0) {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		left = append(left, p)
	})
	return left
}

// crowd calls f with every value, 32 at a time, and waits.
func crowd[T any](values []T, f func(T)) {
	var working sync.WaitGroup
	slots := make(chan struct{}, 32)
	for _, v := range values {
		slots <- struct{}{}
		working.Go(func() { defer func() { <-slots }(); f(v) })
	}
	working.Wait()
}
