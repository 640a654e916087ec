package chaos_test

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/otpipe/otpipe/internal/processtest"
)

// outages take Redis away while codes are asked for and delivered.
func outages() []scenario {
	frozen := either(3*time.Second, 20*time.Second)
	return []scenario{
		// With everysec Redis puts writes off for up to two seconds while the disk is busy.
		{name: "Redis killed, with append-only file", play: interrupted(either(time.Second, 5*time.Second), killRedis, restartRedis), fsync: "always"},
		{name: "Redis frozen", play: interrupted(frozen, freezeRedis, thawRedis)},
		{name: "Redis master killed, Sentinel, replicated", play: interrupted(either(3*time.Second, 10*time.Second), killMaster, leaveToSentinels), sentinels: true},
	}
}

func killMaster(h *house)     { h.watched.Master.Kill() }
func leaveToSentinels(*house) {}

func killRedis(h *house)    { h.redis.Kill() }
func restartRedis(h *house) { h.redis.Restart(h) }
func freezeRedis(h *house)  { h.redis.Freeze() }
func thawRedis(h *house)    { h.redis.Thaw() }

// interrupted takes the store away for a time. What is refused meanwhile is not
// promised, what was promised before is kept.
func interrupted(lasts time.Duration, away, again func(*house)) func(*house) {
	return func(h *house) {
		const every = 20 * time.Millisecond
		h.primary.does(after(200*time.Millisecond, takes))
		h.worker()
		h.worker()
		to := h.phones(int((lasts + 4*time.Second) / every))
		refused := 0
		var streaming sync.WaitGroup
		streaming.Go(func() { refused = h.try(to, every) })
		processtest.Until(h, settle, "some have arrived", func() bool { return h.ledger.reached(to) > 50 })
		away(h)
		time.Sleep(lasts) // the time is what is tested
		again(h)
		took := h.works()
		streaming.Wait()
		h.remark = fmt.Sprintf("away for %s, %s starts refused; the next 202 came %s after it was back", brief(lasts), thousands(refused), brief(took))
	}
}

// works waits until a code can be asked for, and returns how long that took.
func (h *house) works() time.Duration {
	h.Helper()
	began := time.Now()
	to := h.phones(1)[0]
	processtest.Until(h, settle, "a start is answered 202", func() bool { return h.promise(h.client, to, "").status == http.StatusAccepted })
	return time.Since(began)
}
