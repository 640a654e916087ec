package chaos_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otpipe/otpipe/internal/processtest"
)

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

// ask asks for a code for everybody, some at a time.
func (h *house) ask(to []string) {
	crowd(to, func(one string) { h.insist(one) })
}

// stream asks for a code for everybody at a rate.
func (h *house) stream(to []string, every time.Duration) {
	h.pace(to, every, func(i int) { h.insist(to[i]) })
}

// try asks for a code for everybody at a rate, and counts who is refused.
func (h *house) try(to []string, every time.Duration) (refused int) {
	var n atomic.Int64
	h.pace(to, every, func(i int) {
		if h.promise(h.client, to[i], "").status != http.StatusAccepted {
			n.Add(1)
		}
	})
	return int(n.Load())
}

// pace calls f for everybody, at a rate, whether or not the earlier calls have
// returned.
func (h *house) pace(to []string, every time.Duration, f func(i int)) {
	var calls sync.WaitGroup
	next := time.NewTicker(every)
	defer next.Stop()
	for i := range to {
		<-next.C
		calls.Go(func() { f(i) })
	}
	calls.Wait()
}

// insist asks for a code, repeats a request that was not answered 202 with its
// key, as a backend would, and returns the first answer.
func (h *house) insist(to string) (first answer) {
	key := "key of " + to
	first = h.promise(h.client, to, key)
	if first.status == http.StatusAccepted {
		return first
	}
	last := first
	if !processtest.Comes(time.Minute, func() bool { last = h.promise(h.client, to, key); return last.status == http.StatusAccepted }) {
		h.Errorf("a start was never answered 202, but %s", last)
	}
	return first
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

// arrived waits until everybody has got something. Who has not is the account's
// to tell.
func (h *house) arrived(to []string) {
	processtest.Comes(h.patience, func() bool { return h.ledger.reached(to) == len(to) })
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

// order gives an operator's order about a provider.
func (h *house) order(provider, what string) {
	h.Helper()
	a := h.client.do(http.MethodPost, "/v1/providers/"+provider+"/"+what, "", map[string]string{"reason": "maintenance"})
	if a.status != http.StatusOK {
		h.Fatalf("%s: %s", what, a)
	}
}
