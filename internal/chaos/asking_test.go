package chaos_test

import (
	"fmt"
	"net/http"
	"sync"
	"time"
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

// ask asks for a code for everybody, some at a time. Nobody may be refused.
func (h *house) ask(to []string) {
	h.Helper()
	crowd(to, func(one string) {
		if got := h.promise(h.client, one, ""); got.status != http.StatusAccepted {
			h.Errorf("start: %s", got)
		}
	})
}

// stream asks for a code for everybody at a rate. Nobody may be refused.
func (h *house) stream(to []string, every time.Duration) (answers []answer) {
	h.Helper()
	answers = h.try(to, every)
	if n := refused(answers); n > 0 {
		h.Errorf("%d of %d starts were refused", n, len(to))
	}
	return answers
}

// try asks for a code for everybody at a rate, and goes on whatever the answers are.
func (h *house) try(to []string, every time.Duration) (answers []answer) {
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

// refused counts the answers that are no 202.
func refused(answers []answer) (n int) {
	for _, a := range answers {
		if a.status != http.StatusAccepted {
			n++
		}
	}
	return n
}

// arrived waits until everybody has got something. Who has not is the account's
// to tell.
func (h *house) arrived(to []string) {
	comes(h.patience, func() bool { return h.ledger.reached(to) == len(to) })
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
