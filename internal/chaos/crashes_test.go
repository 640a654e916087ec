package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otpipe/otpipe/internal/processtest"
	"github.com/otpipe/otpipe/internal/redistest"
)

// crashes are processes that end, killed or asked to.
func crashes() []scenario {
	return []scenario{
		{name: "worker killed before the vendor has taken it", play: killedWorkers(hangs), linger: true},
		{name: "worker killed after the vendor has taken it", play: killedWorkers(keepsThen(hangs)), linger: true},
		{
			name: "worker killed after the vendor has taken it, which never reports", play: killedWorkers(keepsThen(hangs)), linger: true,
			silent: true, twice: "the vendor has it, and nobody is left who could know",
		},
		{name: "api killed between staging, ringing and answering", play: killedAPIs},
		{name: "worker stopped under load", play: stoppedWorkers},
	}
}

// killedWorkers kills workers all of whose hand-overs are with a vendor. The last
// worker is there when the queue runs the tasks of the dead again.
func killedWorkers(at act) func(*house) {
	return func(h *house) {
		var longest time.Duration
		for range either(1, 5) {
			longest = max(longest, h.killWorker(at, 20))
		}
		h.worker()
		h.remark = "all over " + brief(longest) + " after the kill"
	}
}

// killWorker returns how long it took from the kill until no send was left.
func (h *house) killWorker(at act, sends int64) time.Duration {
	h.Helper()
	h.primary.does(at)
	asked := h.primary.asked.Load()
	victim := h.worker()
	h.ask(h.phones(int(sends)))
	processtest.Until(h, time.Minute, "all are with the vendor", func() bool { return h.primary.asked.Load() >= asked+sends })
	victim.Kill()
	began := time.Now()
	h.primary.does(takes)
	heir := h.worker()
	h.settled()
	took := time.Since(began)
	heir.Terminate(h)
	return took
}

// killedAPIs kills apis under load. Every second one of them cannot ring the
// workers. Clients that got no answer repeat their request with its key.
func killedAPIs(h *house) {
	h.worker()
	kills, repeated := either(4, 20), 0
	for i := range kills {
		g := redistest.NewGate(h, h.redis.Addr())
		p, c := h.startAPI(settings{Queue: g.URL()})
		g.Shut.Store(i%2 == 0)
		cutOff := h.askUntilKilled(p, c, int64(1+rand.IntN(20)))
		h.ask(cutOff) // with the same keys
		repeated += len(cutOff)
	}
	h.remark = fmt.Sprintf("%d kills; %d requests without an answer were repeated", kills, repeated)
}

// askUntilKilled asks for codes through an api that is killed after some answers,
// and returns who was cut off.
func (h *house) askUntilKilled(p *processtest.Process, c *client, after int64) (cutOff []string) {
	var answered atomic.Int64
	var mu sync.Mutex
	crowd(h.phones(40), func(to string) {
		if h.promise(c, to, "key of "+to).status == http.StatusAccepted {
			if answered.Add(1) == after {
				p.Kill()
			}
			return
		}
		mu.Lock()
		defer mu.Unlock()
		cutOff = append(cutOff, to)
	})
	return cutOff
}

// stoppedWorkers rolls out workers while codes are asked for.
func stoppedWorkers(h *house) {
	h.primary.does(after(200*time.Millisecond, takes))
	w := h.worker()
	rounds := either(1, 5)
	to := h.phones(300 * rounds)
	var streaming sync.WaitGroup
	streaming.Go(func() { h.stream(to, 10*time.Millisecond) })
	for i := range rounds {
		next := h.worker()
		processtest.Until(h, time.Minute, "some have arrived", func() bool { return h.ledger.reached(to) > 300*i+30 })
		w.Terminate(h)
		w = next
	}
	streaming.Wait()
	h.remark = fmt.Sprintf("%d stopped, at 100 codes a second", rounds)
}
