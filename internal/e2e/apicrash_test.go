package e2e_test

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/redistest"
)

// TestAnAPIKilledBeforeItRingsLosesNothing kills apis that have answered 202
// and not yet told the workers: every second time none of their rings reaches
// the queue, else some do. The watch finds the sends.
func TestAnAPIKilledBeforeItRingsLosesNothing(t *testing.T) {
	t.Parallel()
	kills := 10
	if soak {
		kills = 100
	}
	r := newRig(t)
	r.startWorker(settings{})
	var mu sync.Mutex
	promised := map[string]time.Time{} // by recipient: when 202 came
	ids := map[string]string{}
	refused := 0
	for i := range kills {
		g := redistest.NewGate(t, r.redis.Addr())
		a := r.startAPI(settings{Queue: g.Addr().String()})
		g.Shut.Store(i%2 == 0)
		after := 1 + rand.IntN(30)
		all(r.phones(40), func(to string) {
			got := a.ask("load", to)
			mu.Lock()
			defer mu.Unlock()
			if got.status != http.StatusAccepted {
				refused++
				return
			}
			var v told
			got.read(r, &v)
			promised[to], ids[to] = time.Now(), v.ID
			if after--; after == 0 {
				a.kill()
			}
		})
		a.kill() // at the latest: on a busy machine fewer may be answered
	}
	var to []string
	for one := range promised {
		to = append(to, one)
	}
	r.arrived(30*time.Second, to...)
	var longest time.Duration
	for _, one := range to {
		got := r.inbox(one)
		if len(got) != 1 {
			t.Errorf("%s (%s) has %d messages", one, ids[one], len(got))
		}
		if len(got) == 0 {
			continue
		}
		longest = max(longest, got[0].ReceivedAt.Sub(promised[one]))
	}
	t.Logf("%d kills: %d starts answered 202, all delivered, the last %s after its answer; %d starts were cut off",
		kills, len(promised), longest.Round(time.Millisecond), refused)
	if longest > slack(4*time.Second) {
		t.Errorf("one code took %s", longest)
	}
	r.nothingLeft()
}
