package redisstore_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redistest"
)

// Workers, a vendor, a caller, a user and the watch do what they may do, in any
// order, and some of them die. After each step all that is promised must be true.
func TestWhateverHappensInWhateverOrderWhatIsPromisedHolds(t *testing.T) {
	t.Parallel()
	rdb := redistest.Client(t)
	first := uint64(time.Now().UnixNano()) // of one that fails it is told, and may be put here
	for seed := first; seed < first+uint64(rounds(t, 25, 1500)) && !t.Failed(); seed++ {
		if err := rdb.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		w := &world{rig: newRig(t, rdb), dice: rand.New(rand.NewPCG(seed, 1)), told: map[handed]otp.State{}, begun: map[handed]time.Duration{}, arrived: map[otp.Order]bool{}}
		w.store.AskAfter = 40 * time.Second
		w.policy.Daily, w.policy.AllDaily = 100, 100
		for range 3 {
			w.workers = append(w.workers, &worker{world: w})
		}
		for range 60 {
			if !t.Failed() {
				w.step()
				w.inspect()
			}
		}
		if !t.Failed() {
			w.settleDown()
		}
		if t.Failed() {
			t.Logf("seed %d:", seed)
			for _, line := range w.log {
				t.Log(line)
			}
		}
	}
}

// handed is one hand-over.
type handed struct {
	order   otp.Order
	attempt int
}

// world is everybody around one recipient, and what they know to be true.
type world struct {
	*rig
	dice    *rand.Rand
	workers []*worker
	orders  []otp.Order
	told    map[handed]otp.State     // of what a vendor took, as the store was told
	begun   map[handed]time.Duration // what is under way, and since when
	charged int                      // sends that were asked for
	before  map[otp.ID]otp.History
	arrived map[otp.Order]bool // mails that a relay took, or no longer counted as that
	log     []string
}

func (w *world) one(n int) bool { return w.dice.IntN(n) == 0 }

func pick[T any](w *world, all ...T) T { return all[w.dice.IntN(len(all))] }

func (w *world) note(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%8s ", time.Duration(w.ahead.Load()))+fmt.Sprintf(format, args...))
}

func (w *world) step() {
	switch n := w.dice.IntN(100); {
	case len(w.orders) == 0 || n < 4:
		w.ask()
	case n < 6:
		w.guessOnce()
	case n < 7:
		id := pick(w, w.orders...).ID
		w.note("cancel: %v", w.store.Cancel(w.t.Context(), id))
	case n < 20:
		w.report()
	case n < 30:
		w.watch()
	case n < 45:
		d := pick(w, 100*time.Millisecond, time.Second, 3*time.Second, 5*time.Second, 13*time.Second, 13*time.Second, 31*time.Second, 61*time.Second, 100*time.Second)
		w.pass(d)
		w.note("-- %s pass", d)
	default:
		w.busyOne().step()
	}
}

// busyOne is mostly a worker that has something to do.
func (w *world) busyOne() *worker {
	one := pick(w, w.workers...)
	for range 3 {
		if one.phase == idle {
			one = pick(w, w.workers...)
		}
	}
	return one
}

// ask is a start, often with another address.
func (w *world) ask() {
	o := w.opening(ask{code: fmt.Sprint(100000 + w.dice.IntN(900000)), nonce: otp.NewNonce()}.filled())
	for range w.dice.IntN(3) {
		letter, err := w.keys.SealLetter(o.Owner, otp.Letter{To: other})
		w.must(err)
		o.Fallbacks = append(o.Fallbacks, otp.Fallback{Channel: otp.Email, Masked: "a•••", Letter: letter})
	}
	got, err := w.store.Start(w.t.Context(), o)
	w.note("start with %d others: %s %v", len(o.Fallbacks), got.Order, err)
	if err == nil {
		w.orders = append(w.orders, got.Order)
		w.charged++
	}
}

// guessOnce is a right guess now and then.
func (w *world) guessOnce() {
	code := "000000"
	if w.one(3) {
		if c, ok := w.code(); ok {
			code = c
		}
	}
	v, err := w.check(ask{code: code})
	w.note("check: %q %v", v.Reason, err)
}

// code is what a worker was given last.
func (w *world) code() (string, bool) {
	for _, one := range w.workers {
		if one.claim.Code != "" {
			c, err := w.keys.OpenCode(one.claim.Owner, one.claim.Code)
			w.must(err)
			return c.Reveal(), true
		}
	}
	return "", false
}

// report is a vendor's receipt about something it was given.
func (w *world) report() {
	var all []handed
	for h := range w.told {
		all = append(all, h)
	}
	if len(all) == 0 {
		return
	}
	slices.SortFunc(all, func(a, b handed) int {
		return slices.Compare([]int{a.order.Send, a.attempt}, []int{b.order.Send, b.attempt})
	})
	w.receipt(pick(w, all...), pick(w, otp.Accepted, otp.Sent, otp.Delivered, otp.Undelivered, otp.Undelivered, otp.Failed))
}

func (w *world) receipt(h handed, state otp.State) {
	rc := otp.Receipt{
		Order: h.order, Attempt: h.attempt, Provider: vendorOf(h.attempt), Ref: refOf(h), State: state,
		Class: pick(w, otp.FaultProvider, otp.FaultProvider, otp.FaultRecipient, otp.FaultThrottled), Permanent: w.one(20),
	}
	got, err := w.store.Receive(w.t.Context(), rc)
	w.must(err)
	w.note("receipt %v %s %s: moved %t, due %v", h, state, rc.Class, got.Moved, got.Due)
	w.learn(h, state)
}

// learn merges what the store was told of a hand-over.
func (w *world) learn(h handed, state otp.State) {
	was := w.told[h]
	switch {
	case was == otp.Delivered || state == otp.Unknown:
	case state == otp.Delivered:
		w.told[h] = state
	case state == otp.Undelivered || state == otp.Failed:
		w.told[h] = otp.Undelivered
	case was != otp.Undelivered:
		w.told[h] = otp.Accepted
	}
}

// vendorOf takes turns, as a route of two does.
func vendorOf(attempt int) string { return []string{"backup", "twilio"}[attempt%2] }

func refOf(h handed) string { return fmt.Sprintf("SM%d-%d", h.order.Send, h.attempt) }

// watch looks after what is due; free workers hear of it.
func (w *world) watch() (found int) {
	for _, d := range w.due(w.owner(ask{}.filled()).Partition) {
		found++
		if d.Order.Send == 0 {
			ended, err := w.store.Settle(w.t.Context(), d.Order.ID)
			w.must(err)
			w.note("settle: %t", ended)
			continue
		}
		if !slices.Contains(w.orders, d.Order) {
			w.t.Errorf("%s is due, and nobody asked for it", d.Order)
		}
		w.note("due %s", d.Order)
		if i := slices.IndexFunc(w.workers, func(o *worker) bool { return o.phase == idle }); i >= 0 {
			w.workers[i].take(d.Order)
		}
	}
	return found
}

// settleDown lets all workers finish, in a world that takes everything and never
// reports, until nothing is due: nothing may be left hanging.
func (w *world) settleDown() {
	for _, one := range w.workers {
		one.phase, one.diligent = idle, true
	}
	for range 60 {
		w.watch()
		for range 6 {
			for _, one := range w.workers {
				if one.phase != idle {
					one.step()
				}
			}
		}
		w.inspect()
		w.pass(17 * time.Second) // longer than the watch puts anything off
	}
	w.ended()
}
