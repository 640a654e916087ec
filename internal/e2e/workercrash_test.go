package e2e_test

import (
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/redistest"
)

// moment is when a worker is killed.
type moment string

// The moments.
const (
	unheard    moment = "the vendor holds the request and never takes it"
	unsaid     moment = "the vendor has taken it and has not answered"
	posthumous moment = "the vendor takes it when the worker is dead"
	anywhere   moment = "any"
)

var moments = []moment{unheard, unsaid, posthumous, anywhere}

const (
	sendsPerKill = 20
	// burst is how long workers may be killed in a row: shorter than a lease, so
	// that no send is orphaned twice. Two unknown attempts end a send.
	burst = 10 * time.Second
)

// victim is a verification whose worker was killed.
type victim struct {
	id, to string
	moment moment
}

// TestAWorkerKilledInMidSendLosesNothing kills workers at the four moments:
// every code arrives, never another one, and twice only if nobody could know.
func TestAWorkerKilledInMidSendLosesNothing(t *testing.T) {
	t.Parallel()
	kills := 10
	if soak {
		kills = 100
	}
	t.Run("without receipts", func(t *testing.T) {
		t.Parallel()
		killWorkers(t, kills, false)
	})
	t.Run("with receipts", func(t *testing.T) {
		t.Parallel()
		killWorkers(t, kills, true)
	})
}

func killWorkers(t *testing.T, kills int, receipts bool) {
	r := newRig(t)
	// No provider is asked before the long form is over: what is left then is work.
	s := settings{Listen: port(t), Worker: `ask_after = "1h"`}
	if receipts {
		s.PublicURL = "http://" + s.Listen
	}
	api := r.startAPI(s)
	var count tally
	for done := 0; done < kills; {
		var victims []victim
		for end := time.Now().Add(burst); done < kills && time.Now().Before(end); done++ {
			victims = append(victims, r.killOne(api, s, moments[done%len(moments)])...)
		}
		w := r.startWorker(s)
		count.longest = max(count.longest, r.settled(api, victims))
		for _, v := range victims {
			count.add(t, v, api.get(t, v.id), r.inbox(v.to), receipts)
		}
		w.terminate()
		if code := w.exit(t, 20*time.Second); code != 0 {
			t.Errorf("the worker ended with %d", code)
		}
	}
	r.nothingLeft()
	t.Logf("%d kills, %d sends: %d arrived once, %d twice, %d more often, %d never; %d attempts of unknown outcome, %d sends ended as unknown after two of them; recovered within %s",
		kills, count.sends, count.times[1], count.times[2], count.times[3], count.times[0], count.unknown, count.ended, count.longest.Round(10*time.Millisecond))
	if count.ended*200 > count.sends {
		t.Errorf("%d sends of %d ended as unknown", count.ended, count.sends)
	}
}

// killOne starts a worker, gives it work, and kills it at a moment.
func (r *rig) killOne(a api, s settings, at moment) []victim {
	r.Helper()
	to := r.phones(sendsPerKill)
	held, free := make(chan string, 2*sendsPerKill), make(chan struct{})
	var once sync.Once
	release := func() { once.Do(func() { close(free) }) }
	defer release()
	r.onRequest(func(form url.Values) {
		if slices.Contains(to, form.Get("To")) {
			held <- form.Get("To")
			if at == posthumous {
				<-free
			}
		}
	})
	defer r.onRequest(nil)
	switch at {
	case unheard:
		r.chaos("twilio", devkit.Hang, 0)
	case unsaid:
		r.chaos("twilio", devkit.Slow, 0)
	case posthumous, anywhere:
	}
	w := r.startWorker(s)
	victims := make([]victim, len(to))
	killed := make(chan struct{})
	if at == anywhere {
		go func() {
			time.Sleep(time.Duration(rand.IntN(120)) * time.Millisecond) // the moment is what is tested
			w.kill()
			close(killed)
		}()
	}
	all(indices(to), func(i int) { victims[i] = victim{a.start(r, "load", to[i]).ID, to[i], at} })
	if at == anywhere {
		<-killed
	} else {
		for range to {
			select {
			case <-held:
			case <-time.After(10 * time.Second):
				r.Fatalf("the vendor was not asked; moment: %s", at)
			}
		}
		if at == unsaid {
			r.arrived(30*time.Second, to...)
		}
		w.kill()
	}
	r.chaos("twilio", devkit.OK, 0)
	return victims
}

// settled waits until every send has been accepted or has ended, and returns how
// long that took.
func (r *rig) settled(a api, victims []victim) time.Duration {
	r.Helper()
	began := time.Now()
	for _, v := range victims {
		eventually(r, time.Until(began.Add(20*time.Second)), v.id+" ends ("+string(v.moment)+")", func() bool {
			told := a.get(r, v.id)
			switch told.Delivery.Status {
			case "queued", "sending":
				return false
			case "unknown":
				return told.Timeline[len(told.Timeline)-1].Attempt == 0 // else another attempt follows
			default:
				return true
			}
		})
	}
	return time.Since(began)
}

// tally counts what became of the victims.
type tally struct {
	sends, unknown int
	ended          int    // met a broken connection after the kill: two unknown attempts are enough, and the journal says so
	times          [4]int // how many arrived so many times
	longest        time.Duration
}

func (c *tally) add(t *testing.T, v victim, told told, got []devkit.Message, receipts bool) {
	unknown := told.count("unknown")
	c.sends++
	c.unknown += unknown
	c.times[min(len(got), 3)]++
	bad := func(what string) {
		var line []string
		for _, s := range told.Timeline {
			line = append(line, s.State+" "+s.Reason)
		}
		t.Errorf("%s: %s, %d messages (moment: %s): %v", v.id, what, len(got), v.moment, line)
	}
	for _, m := range got {
		if m.Code != got[0].Code {
			bad("two codes")
		}
	}
	want := "accepted"
	if receipts {
		want = "delivered"
	}
	switch {
	case len(got) == 0 && unknown > 1 && told.Delivery.Status == "unknown":
		c.ended++
	case len(got) == 0:
		bad("lost")
	case len(got) > 1+unknown:
		bad("doubled though the outcome was known")
	case told.Delivery.Status != want:
		bad("delivery is " + told.Delivery.Status)
	case v.moment == unheard && len(got) != 1:
		bad("want one")
	case (v.moment == unsaid || v.moment == posthumous) && receipts && len(got) != 1:
		bad("doubled though a receipt came")
	case told.Send != 1:
		bad("more than one send")
	}
}

// nothingLeft waits until no send is to be looked after any more, and no task
// waits. Tasks that seem to be active with a dead worker are asynq's to clear up.
func (r *rig) nothingLeft() {
	r.Helper()
	c := r.store()
	var left []string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if left = r.left(c); len(left) == 0 {
			return
		}
	}
	r.Errorf("left: %v", left)
}

func (r *rig) left(c *redis.Client) (left []string) {
	r.Helper()
	ctx := r.Context()
	keys, err := c.Keys(ctx, "due:*").Result()
	if err != nil {
		r.Fatal(err)
	}
	for _, k := range keys {
		// Later the verification itself expires, and providers are asked what became
		// of what they took.
		soon := strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10)
		for _, member := range c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: k, Start: "-inf", Stop: soon, ByScore: true}).Val() {
			if !strings.HasSuffix(member, "/0") {
				left = append(left, k+" "+member)
			}
		}
	}
	for _, queue := range []string{"asynq:{sms}:", "asynq:{email}:"} {
		left = append(left, c.LRange(ctx, queue+"pending", 0, -1).Val()...)
		for _, list := range []string{"retry", "scheduled", "archived"} {
			left = append(left, c.ZRange(ctx, queue+list, 0, -1).Val()...)
		}
	}
	return left
}

// TestAWorkerKilledBeforeItClaimsIsReplacedInSeconds kills a worker that has
// taken its task from the queue and not yet the send from the store. asynq alone
// would notice after a minute or two.
func TestAWorkerKilledBeforeItClaimsIsReplacedInSeconds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	api := r.startAPI(settings{})
	g := redistest.NewGate(t, r.redis.Addr())
	w := r.startWorker(settings{Redis: g.Addr().String(), Queue: r.redis.Addr()})
	g.Shut.Store(true)
	to := r.phones(20)
	all(to, func(one string) { api.start(r, "load", one) })
	queue := r.store()
	eventually(t, 30*time.Second, "the worker has all tasks", func() bool {
		return queue.LLen(t.Context(), "asynq:{sms}:active").Val() == 20
	})
	w.kill()
	began := time.Now()
	r.startWorker(settings{})
	up := time.Since(began)
	r.arrived(30*time.Second, to...)
	took := time.Since(began)
	t.Logf("20 sends recovered %s after the kill, %s after the next worker was up", took.Round(time.Millisecond), (took - up).Round(time.Millisecond))
	if took-up > 4*time.Second {
		t.Errorf("took %s", took-up)
	}
	for _, one := range to {
		if n := len(r.inbox(one)); n != 1 {
			t.Errorf("%s has %d messages", one, n)
		}
	}
}

func indices[T any](s []T) []int {
	list := make([]int, len(s))
	for i := range s {
		list[i] = i
	}
	return list
}
