package attack_test

import (
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/processtest"
	"github.com/otpipe/otpipe/internal/redistest"
)

func days() []attack {
	const what = "guesses in 24 hours, as many as are let"
	return []attack{
		{name: "guessing for a day", what: what, due: "15 for an exact recipient in a namespace", way: alone},
		{name: "guessing for a day, over namespaces", what: what, due: "15 in each of four", way: namespaced},
		{name: "guessing for a day, each code under a new binding", what: what, due: "5 for each of the namespace's 10 sends", way: bound},
		{name: "guessing for a day, over spellings of a mailbox", what: what, due: "5 for each of the namespace's 10 sends", way: spelled},
		{name: "guessing for a day, over namespaces and bindings", what: what, due: "5 for each of the recipient's 20 sends", way: everywhere},
		{name: "guessing across rotations", what: "guesses, two at each code", due: "5 a verification, whatever codes it had", ahead: rotated},
		{name: "guessing for a week", what: "guesses in seven days", due: "15 on the first day, 5 on each that follows", slow: true, ahead: week},
		{name: "how often guesses are right", what: "guesses at codes of four digits", due: "what the number of guesses says, by a test that errs once in a million", slow: true, ahead: luck},
	}
}

// fullDay is a little less than a day, for time passes beside the clock too.
const fullDay = 24*time.Hour - 5*time.Minute

// playDays spends a day in all ways at once, for all go by one clock, and then
// what else needs a clock that can be moved.
func playDays(t *testing.T, rows *table) {
	at, clock := openAhead(t)
	type crew struct {
		attack
		raid   *raid
		guests []*guesser
	}
	var crews []crew
	var all []*guesser
	for _, a := range days() {
		if a.way == nil {
			continue
		}
		c := crew{a, &raid{TB: t, target: at}, nil}
		for range either(2, 40) {
			c.guests = append(c.guests, a.way(c.raid))
		}
		crews, all = append(crews, c), append(all, c.guests...)
	}
	spend(crews[0].raid, clock, fullDay, all)
	for _, c := range crews {
		for _, g := range c.guests {
			c.raid.settle(g, g.allowed())
		}
		rows.add(c.raid.row(c.attack))
	}
	for _, a := range days() {
		if a.ahead == nil || a.slow && !long {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			r := &raid{TB: t, target: at}
			a.ahead(r, clock)
			rows.add(r.row(a))
		})
	}
}

// settle writes down what a guesser got. Who was right has stopped there.
func (r *raid) settle(g *guesser, allowed int) {
	r.tries(g.tried)
	r.through(g.compared)
	if g.right > 0 {
		allowed = g.compared
	}
	r.may += int64(allowed)
}

// guesser is somebody who wants one recipient's code, and a way to go about it.
type guesser struct {
	to       func(start int) string // as they spell it
	places   []string               // namespaces to try
	bindings bool                   // each start has one of its own

	step  int // guesses between two sends of a code; 0: all
	tried int

	starts, compared, right, next int
	live                          map[string]door // by namespace
}

// door is what a code can be tried at.
type door struct{ to, binding string }

// alone stays with one recipient and one namespace. Every other one has the code
// sent again between guesses.
func alone(r *raid) *guesser {
	to := r.phone()
	return &guesser{to: func(int) string { return to }, places: []string{"front"}, step: 2 * int(r.people.Load()%2)}
}

func namespaced(r *raid) *guesser {
	g := alone(r)
	g.places = []string{"front", "second", "third", "fourth"}
	return g
}

func bound(r *raid) *guesser {
	g := alone(r)
	g.bindings = true
	return g
}

func everywhere(r *raid) *guesser {
	g := namespaced(r)
	g.bindings = true
	return g
}

// spelled is a mailbox in upper and lower case, each of which is an exact
// recipient to itself.
func spelled(r *raid) *guesser {
	n := r.people.Add(1)
	return &guesser{places: []string{"front"}, to: func(start int) string {
		name := []byte("quirkily")
		for i := range name {
			if start>>i&1 == 1 {
				name[i] -= 'a' - 'A'
			}
		}
		return fmt.Sprintf("%s%d@mail.example", name, n)
	}}
}

// allowed is how many guesses each way may have compared on its first day.
func (g *guesser) allowed() int {
	const checks, daily, all, locks = 5, 10, 20, 3
	switch {
	case g.bindings && len(g.places) > 1:
		return all * checks
	case g.bindings || g.to(0) != g.to(1):
		return daily * checks
	}
	return locks * checks * len(g.places)
}

func week(r *raid, clock *redistest.Clock) {
	const first, later, days = 15, 5, 7
	var all []*guesser
	for range 20 {
		all = append(all, alone(r))
	}
	spend(r, clock, (days-1)*24*time.Hour+fullDay, all)
	for _, g := range all {
		r.settle(g, first+(days-1)*later)
	}
}

// spend lets guessers do all they can until a time has passed. They act in turns;
// between these the clock goes to when the first of them can go on.
func spend(r *raid, clock *redistest.Clock, long time.Duration, all []*guesser) {
	busy := make(chan struct{}, 16) // so many at a time
	for passed := time.Duration(0); passed < long; {
		waits := make([]time.Duration, len(all))
		var wg sync.WaitGroup
		for i, g := range all {
			wg.Go(func() {
				busy <- struct{}{}
				waits[i] = g.turn(r)
				<-busy
			})
		}
		wg.Wait()
		wait := long
		for i, w := range waits {
			if all[i].right == 0 {
				wait = min(wait, w)
			}
		}
		wait += time.Second // what has ended to the second has ended
		clock.Advance(r, wait)
		passed += wait
	}
}

// turn starts what can be started and guesses at what is alive. It returns when
// something else can be done.
func (g *guesser) turn(r *raid) (wait time.Duration) {
	if g.live == nil {
		g.live = map[string]door{}
	}
	wait = 24 * time.Hour
	for _, ns := range g.places {
		for g.right == 0 {
			w := g.open(r, ns)
			g.exhaust(r, ns)
			if wait = min(wait, w); w > 0 {
				break
			}
		}
	}
	return wait
}

// open asks for a code, or for the same again. It returns how long that is
// refused, 0 if it is not.
func (g *guesser) open(r *raid, ns string) time.Duration {
	body := fields{"namespace": ns, "to": g.to(g.starts)}
	d := door{to: g.to(g.starts)}
	if g.bindings {
		d.binding = fmt.Sprint("binding ", g.starts)
		body["binding"] = d.binding
	}
	a := r.owner.insist("/v1/verifications", body)
	switch a.status {
	case http.StatusAccepted:
		g.starts++
		g.live[ns] = d
		r.delivered(read[told](r, a).ID)
		return 0
	case http.StatusTooManyRequests:
		return max(time.Second, a.retry())
	}
	r.Errorf("start: %v", a)
	return time.Hour
}

// exhaust guesses as long as guesses are compared, each time another code.
func (g *guesser) exhaust(r *raid, ns string) {
	d, alive := g.live[ns]
	if !alive {
		return
	}
	for n := 0; g.right == 0 && (g.step == 0 || n < g.step); n++ {
		// The order is one in which no two that follow have digits in common.
		body := fields{"namespace": ns, "to": d.to, "code": fmt.Sprintf("%04d", g.next*3571%10_000)}
		if d.binding != "" {
			body["binding"] = d.binding
		}
		g.next++
		g.tried++
		v, a := r.owner.check(body)
		switch {
		case v.Valid:
			g.compared++
			g.right++
		case v.compared():
			g.compared++
		case a.status == http.StatusOK || a.status == http.StatusTooManyRequests:
			delete(g.live, ns)
			return
		default:
			r.Errorf("check: %v", a)
			return
		}
	}
}

// rotated has a new code sent each minute where the policy makes new ones, and
// guesses at each a little.
func rotated(r *raid, clock *redistest.Clock) {
	to := r.phones(either(3, 20))
	compared, right := make([]int, len(to)), make([]bool, len(to))
	for minute := range 4 {
		r.atOnce(len(to), func(i int) {
			if a := r.owner.start("rotating", to[i]); a.status == http.StatusAccepted {
				r.delivered(read[told](r, a).ID)
			}
			for n := range 2 {
				r.tries(1)
				v, _ := r.owner.guess("rotating", to[i], fmt.Sprintf("%04d", 2*minute+n))
				if v.compared() {
					compared[i]++
				}
				right[i] = right[i] || v.Valid
			}
		})
		clock.Advance(r, 61*time.Second)
	}
	for i := range to {
		r.settle(&guesser{compared: compared[i], right: map[bool]int{true: 1}[right[i]]}, 5)
	}
}

// delivered waits until a send has left, so that nothing is given back for it.
func (r *raid) delivered(id string) {
	r.Helper()
	processtest.Until(r, time.Minute, id+" is delivered", func() bool {
		s := r.owner.get(r, id).Delivery.Status
		return s != "queued" && s != "sending"
	})
}

// luck guesses at many codes and compares how often it was right with what the
// number of guesses says.
func luck(r *raid, clock *redistest.Clock) {
	const people, days = 250, 6
	var all []*guesser
	for range people {
		g := bound(r)
		g.places, g.next = []string{"lucky"}, mathrand.IntN(10_000)
		all = append(all, g)
	}
	compared, right := 0, 0
	for range days {
		spend(r, clock, fullDay, all)
		for _, g := range all {
			compared, right = compared+g.compared, right+g.right
			g.compared, g.right = 0, 0
		}
	}
	mean := float64(compared) / 10_000
	low, high := poisson(mean, 0.5e-6)
	if right < low || right > high {
		r.broken("%d of %d guesses were right: want %d to %d", right, compared, low, high)
	}
	r.tries(compared)
	r.may = r.got.Load()
	r.result = fmt.Sprintf("%d; %.1f on paper, where %d to %d would do", right, mean, low, high)
}

// poisson is the least and the most that is seen of what is expected mean times,
// each side with a probability of error of p.
func poisson(mean, p float64) (low, high int) {
	term, sum := math.Exp(-mean), 0.0
	for k := 0; ; k++ {
		if sum+term < p {
			low = k + 1
		}
		if sum += term; 1-sum < p {
			return low, k
		}
		term *= mean / float64(k+1)
	}
}
