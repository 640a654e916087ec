package e2e_test

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// newer is the key that takes the old one's place.
const newer = "[[keys.ring]]\nid = \"newer\"\nsecret = \"0c7d2b5a41e8f693b2a1c0d9e8f7a6b5948372615f4e3d2c1b0a9f8e7d6c5b4a\"\n"

// careful is a policy under which it shows when anything is forgotten.
const careful = namespaces + `
[namespaces.careful]
cooldown = "0s"
all_cooldown = "0s"
daily = 3
locks = ["1h"]
max_checks = 20
`

// TestTheRingIsRotatedUnderLoadAndNothingIsForgotten takes four processes through the
// steps of a rotation, one after the other, while codes are asked for and checked by
// all of them. What was made before is used at every step by a process that has
// taken it and by one that has not.
func TestTheRingIsRotatedUnderLoadAndNothingIsForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, two := r.startPair(settings{More: careful}), r.startPair(settings{More: careful})
	apis := []api{one.api, two.api}
	const steps = 4
	people := make([]holder, steps+1)
	all(indices(people), func(i int) { people[i] = r.holder(one.api) })
	load := r.load(apis)
	for step, s := range []settings{{More: careful, Ring: newer}, {More: careful, Ring: newer, Primary: "newer"}} {
		for i, p := range []*pair{one, two} {
			p.mustTake(s)
			people[2*step+i].uses(t, apis[i], apis[1-i])
			load.turn() // everything that began before has ended
		}
	}
	late := people[steps]
	late.touches(t, two.api)
	for _, p := range []*pair{one, two} {
		p.mustTake(settings{More: careful, Ring: newer, Primary: "newer", Retired: true})
	}
	late.isRemembered(t, one.api)
	load.turn()
	if flows := load.end(); flows < 20 {
		t.Errorf("only %d codes were asked for and checked", flows)
	}
}

// holder is somebody about whom there is much to remember.
type holder struct {
	rig           *rig
	pending, code string // a code that was delivered
	token, proven string // a session, and whose
	locked        string
	failed        string // one guess before a lock
	used          string // two of three sends a day
}

// holder has all of this happen.
func (r *rig) holder(a api) (h holder) {
	r.Helper()
	h = holder{rig: r, pending: r.phone(), proven: r.phone(), locked: r.phone(), failed: r.phone(), used: r.phone()}
	for _, to := range []string{h.pending, h.proven, h.locked, h.failed} {
		a.start(r, "careful", to)
	}
	r.sends(a, h.used, 1)
	r.sends(a, h.used, 2)
	h.code = r.code(h.pending, 20*time.Second)
	h.token = a.check(r, "careful", h.proven, r.code(h.proven, 20*time.Second)).Session.Token
	for to, guesses := range map[string]int{h.locked: 5, h.failed: 4} {
		for range guesses {
			wrong(r, a, to)
		}
	}
	return h
}

// sends asks for somebody's nth code and waits for it: one that has not left would
// not count any more when the next is asked for.
func (r *rig) sends(a api, to string, n int) {
	r.Helper()
	a.start(r, "careful", to)
	eventually(r, 20*time.Second, "another message to "+to, func() bool { return len(r.inbox(to)) == n })
}

// wrong guesses wrong, and tells whether that locked.
func wrong(t testing.TB, a api, to string) (locked bool) {
	t.Helper()
	got := a.do(http.MethodPost, "/v1/verifications/check", map[string]string{"namespace": "careful", "to": to, "code": "000000"})
	var v struct {
		Valid bool      `json:"valid"`
		Until time.Time `json:"locked_until"`
	}
	got.read(t, &v)
	if got.status != http.StatusOK || v.Valid {
		t.Errorf("a wrong guess: %v", got)
	}
	return !v.Until.IsZero()
}

// uses has two processes find all of it, which are at different steps.
func (h holder) uses(t *testing.T, a, b api) {
	t.Helper()
	h.session(t, a)
	h.session(t, b)
	if c := b.check(t, "careful", h.pending, h.code); !c.Valid {
		t.Errorf("a code from before is %s", c.Reason)
	}
	refused(t, b.ask("careful", h.locked), "recipient_locked")
	refused(t, a.ask("careful", h.locked), "recipient_locked")
	if !wrong(t, b, h.failed) {
		t.Error("four failed guesses from before are forgotten")
	}
	refused(t, a.ask("careful", h.failed), "recipient_locked")
	h.rig.sends(a, h.used, 3)
	refused(t, b.ask("careful", h.used), "daily_quota_exceeded")
}

// touches has what is kept for longer than codes live found once more, while the
// old key is there to find it by.
func (h holder) touches(t *testing.T, a api) {
	t.Helper()
	refused(t, a.ask("careful", h.locked), "recipient_locked")
	a.start(t, "careful", h.failed)
	h.rig.sends(a, h.used, 3)
}

// isRemembered finds it when the old key has gone.
func (h holder) isRemembered(t *testing.T, a api) {
	t.Helper()
	h.session(t, a)
	refused(t, a.ask("careful", h.locked), "recipient_locked")
	refused(t, a.ask("careful", h.used), "daily_quota_exceeded")
	a.start(t, "careful", h.failed)
	if !wrong(t, a, h.failed) {
		t.Error("four failed guesses from before are forgotten")
	}
}

func (h holder) session(t *testing.T, a api) {
	t.Helper()
	if s := a.session(t, "introspect", h.token, "careful", h.proven); !s.Active {
		t.Error("a session from before is over")
	}
}

// refused wants an answer that names a limit.
func refused(t *testing.T, a answer, code string) {
	t.Helper()
	var p problem
	a.read(t, &p)
	if p.Code != code {
		t.Errorf("got %v, want %s", a, code)
	}
}

// load is people who ask for codes and use them, as fast as they come.
type load struct {
	rig     *rig
	flows   [4]atomic.Int64 // of each of them
	done    chan struct{}
	running sync.WaitGroup
}

func (r *rig) load(apis []api) *load {
	l := &load{rig: r, done: make(chan struct{})}
	for i := range l.flows {
		l.running.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-l.done:
					return
				default:
					l.flow(apis[n%2], apis[i%2])
					l.flows[i].Add(1)
				}
			}
		})
	}
	return l
}

// flow asks one api and checks at the other. It must not fail.
func (l *load) flow(a, b api) {
	to := l.rig.phone()
	if got := a.ask("load", to); got.status != http.StatusAccepted {
		l.rig.Errorf("start under load: %v", got)
		return
	}
	code := l.rig.code(to, 20*time.Second)
	got := b.do(http.MethodPost, "/v1/verifications/check", map[string]string{"namespace": "load", "to": to, "code": code})
	var v checked
	got.read(l.rig, &v)
	if !v.Valid || v.Session == nil {
		l.rig.Errorf("check under load: %v", got)
		return
	}
	if s := a.session(l.rig, "introspect", v.Session.Token, "load", to); !s.Active {
		l.rig.Error("a session under load is not there")
	}
	if n := len(l.rig.inbox(to)); n != 1 {
		l.rig.Errorf("%d messages to one person", n)
	}
}

// turn waits until everybody has ended two flows more.
func (l *load) turn() {
	l.rig.Helper()
	var begun [len(l.flows)]int64
	for i := range l.flows {
		begun[i] = l.flows[i].Load()
	}
	eventually(l.rig, 60*time.Second, "everybody has had another code", func() bool {
		return !slices.ContainsFunc(indices(begun[:]), func(i int) bool { return l.flows[i].Load() < begun[i]+2 })
	})
}

// end waits for the last ones, and tells how many flows there were.
func (l *load) end() (flows int64) {
	close(l.done)
	l.running.Wait()
	for i := range l.flows {
		flows += l.flows[i].Load()
	}
	return flows
}
