package e2e_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/redistest"
)

// TestAFailOverBreaksNoPromise takes the master away from under load, by a crash
// and by a freeze: what was answered is still so with the next master, and
// everything goes on by itself.
func TestAFailOverBreaksNoPromise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		take, again func(*redistest.Server)
	}{
		{"the master is killed", (*redistest.Server).Kill, func(s *redistest.Server) { s.Restart(t) }},
		{"the master freezes", (*redistest.Server).Freeze, (*redistest.Server).Thaw},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			failOver(t, c.take, c.again)
		})
	}
}

func failOver(t *testing.T, take, again func(*redistest.Server)) {
	r := newRig(t)
	w := redistest.StartWatched(t, 2, "--appendonly", "yes")
	s := settings{
		RedisURL: "redis+sentinel://" + strings.Join(w.Addrs(), ",") + "/" + redistest.MasterName + "/0",
		// One of two is enough: the sentinels promote the one that has the most.
		More: namespaces + "\n[store]\ndurability = \"replicated\"\nreplicas = 1\n",
	}
	s.QueueURL = s.RedisURL
	a := r.startAPI(s)
	r.startWorker(s)
	r.startWorker(s)
	c := &crowd{rig: r, api: a}
	stop := c.come(3)
	c.more(50, "are served")

	before := w.Current(t)
	taken := time.Now()
	take(w.Master)
	eventually(t, 20*time.Second, "there is another master", func() bool { return w.Current(t) != before })
	switched := time.Now()
	c.more(50, "are served by the next master")
	again(w.Master)
	old := redis.NewClient(&redis.Options{Addr: w.Master.Addr()})
	t.Cleanup(func() { _ = old.Close() })
	eventually(t, 30*time.Second, "the old master follows the new one", func() bool {
		return strings.Contains(old.Info(t.Context(), "replication").Val(), "master_link_status:up")
	})
	c.more(50, "are served beside the old one")
	stop()

	f := c.refusals(taken, switched)
	ms := 10 * time.Millisecond
	t.Logf("%d people; the next master after %s; %d requests were refused, within %s, the last %s after it was there; no start was admitted for %s; %d codes came twice",
		len(c.people), switched.Sub(taken).Round(ms), f.count, f.slowest.Round(ms), f.last.Round(ms), f.gap.Round(ms), c.doubled())
	c.keptWhatWasPromised()
	if left := r.left(w.Client(t)); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// crowd are people who ask for codes and people who type them in, one after
// another; they repeat what the store could not answer.
type crowd struct {
	*rig
	api api

	mu      sync.Mutex
	people  []person
	answers []answered
}

// person was promised a code. Whoever has typed it in was told that it was right.
type person struct {
	to, id string
	typed  bool
}

// answered is one answer.
type answered struct {
	asked  time.Time
	took   time.Duration
	path   string
	status int
}

// come lets so many in who only ask, and as many who also type, at a time, until
// stop is called, which waits for the last of them.
func (c *crowd) come(atOnce int) (stop func()) {
	over := make(chan struct{})
	var inside sync.WaitGroup
	for i := range 2 * atOnce {
		inside.Go(func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(100 * time.Millisecond):
					c.serve(person{to: c.phone(), typed: i%2 == 0})
				}
			}
		})
	}
	return func() { close(over); inside.Wait() }
}

// serve is one person's visit.
func (c *crowd) serve(p person) {
	var v told
	got := c.insist("/v1/verifications", map[string]string{"namespace": "load", "to": p.to})
	if got.status != http.StatusAccepted {
		c.Errorf("a start: %v", got)
		return
	}
	got.read(c, &v)
	p.id = v.ID
	if p.typed {
		c.arrived(20*time.Second, p.to)
		if len(c.inbox(p.to)) > 0 && !c.check(p) {
			c.Errorf("%s: the right code is wrong", p.id)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.people = append(c.people, p)
}

func (c *crowd) check(p person) (valid bool) {
	got := c.insist("/v1/verifications/check", map[string]string{"namespace": "load", "to": p.to, "code": c.inbox(p.to)[0].Code})
	if got.status != http.StatusOK {
		c.Errorf("a check: %v", got)
		return false
	}
	var v checked
	got.read(c, &v)
	return v.Valid
}

func (c *crowd) insist(path string, body map[string]string) answer {
	return c.api.insist(path, body, func(a answer) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.answers = append(c.answers, answered{time.Now().Add(-a.took), a.took, path, a.status})
	})
}

// more waits until so many more were served.
func (c *crowd) more(n int, what string) {
	c.Helper()
	served := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.people)
	}
	until := served() + n
	eventually(c, 30*time.Second, "more "+what, func() bool { return served() >= until })
}

// fault is what people saw of it.
type fault struct {
	count   int           // of answers 503
	slowest time.Duration // of them
	last    time.Duration // was asked for so long after the next master was there
	gap     time.Duration // the longest time without a 202
}

// refusals looks through the answers: only the fault is a reason for a 503.
func (c *crowd) refusals(taken, switched time.Time) (f fault) {
	c.Helper()
	previous := c.answers[0].asked
	for _, a := range c.answers {
		at := a.asked.Add(a.took)
		switch a.status {
		case http.StatusServiceUnavailable:
			f.count++
			f.slowest, f.last = max(f.slowest, a.took), max(f.last, a.asked.Sub(switched))
			if at.Before(taken) {
				c.Errorf("%s was refused before the fault", a.path)
			}
		case http.StatusAccepted:
			f.gap = max(f.gap, at.Sub(previous))
			previous = at
		case http.StatusOK, http.StatusConflict:
		default:
			c.Errorf("%s: %d", a.path, a.status)
		}
	}
	if f.count == 0 {
		c.Error("nobody was refused: nothing was tested")
	}
	if f.slowest > slack(outageAnswer) || f.last > slack(outageOver) {
		c.Errorf("a refusal took %s, and the last was %s after the next master was there", f.slowest, f.last)
	}
	return f
}

func (c *crowd) doubled() (n int) {
	for _, p := range c.people {
		if len(c.inbox(p.to)) > 1 {
			n++
		}
	}
	return n
}

// keptWhatWasPromised: every code came, no other one came, and it is right once.
func (c *crowd) keptWhatWasPromised() {
	c.Helper()
	for _, p := range c.people {
		c.arrived(20*time.Second, p.to)
		got := c.inbox(p.to)
		if len(got) == 0 {
			c.Fatalf("%s was lost: %v", p.id, c.api.do(http.MethodGet, "/v1/verifications/"+p.id, nil))
		}
		if !p.typed && !c.check(p) {
			c.Errorf("%s: the right code is wrong", p.id)
		}
		if c.check(p) {
			c.Errorf("%s: the right code is right twice", p.id)
		}
		eventually(c, 20*time.Second, p.id+" is known to be delivered", func() bool { return c.api.get(c, p.id).Delivery.Status == "accepted" })
		if v := c.api.get(c, p.id); len(got) > 1+v.count("unknown") || v.Status != "approved" {
			c.Errorf("%s is %s and came %d times: %+v", p.id, v.Status, len(got), v.Timeline)
		}
		for _, m := range got {
			if m.Code != got[0].Code {
				c.Errorf("%s has two codes", p.id)
			}
		}
	}
}
