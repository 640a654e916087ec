package chaos_test

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/otpipe/otpipe/internal/processtest"
)

const (
	errorPage = "<html><head><title>Bad gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
	busyBody  = `{"code":20429,"message":"Too Many Requests","more_info":"https://www.twilio.com/docs/errors/20429","status":429}`
	downBody  = `{"code":20503,"message":"Service unavailable","more_info":"https://www.twilio.com/docs/errors/20503","status":503}`
	brokeBody = `{"code":20500,"message":"An internal server error has occurred","more_info":"https://www.twilio.com/docs/errors/20500","status":500}`
)

// vendors are the ways in which the preferred vendor, or all of a channel, fail.
func vendors() []scenario {
	return []scenario{
		{name: "primary answers 500", play: primary(answers(500, brokeBody))},
		{name: "primary answers 503", play: primary(answers(503, downBody))},
		{name: "primary answers 429 with Retry-After", play: primary(answers(429, busyBody, "Retry-After: 20"))},
		{name: "primary answers with an HTML page", play: primary(answers(502, errorPage, "Content-Type: text/html"))},
		{name: "primary redirects", play: primary(answers(302, "", "Location: https://elsewhere.test/"))},
		{name: "primary resets connections", play: primary(resets)},
		{name: "primary hangs", play: primary(hangs)},
		{name: "primary takes it and hangs", play: primary(keepsThen(hangs))},
		{name: "primary takes it and its JSON breaks off", play: primary(truncates)},
		{name: "primary takes it, its JSON breaks off, and it never reports", play: primary(truncates), silent: true},
		{name: "both vendors down, then back", play: downAndBack},
		{name: "primary drained and resumed under load", play: drained},
		{name: "texts hang, mails go on", play: textsHang},
		{name: "mails are refused, texts go on", play: mailsRefused},
	}
}

// primary asks for codes while the preferred vendor acts up, and in the long form
// once more when that is known.
func primary(a act) func(*house) {
	return func(h *house) {
		h.worker()
		h.primary.does(a)
		for i := range either(1, 2) {
			asked := h.primary.asked.Load()
			h.ask(h.phones(either(10, 100)))
			h.settled()
			h.remark += fmt.Sprintf([]string{"primary asked %d times", ", then %d"}[i], h.primary.asked.Load()-asked)
		}
	}
}

// downAndBack has one vendor answer 503 and the other's door closed.
func downAndBack(h *house) {
	h.worker()
	h.primary.does(answers(503, downBody))
	h.backup.down()
	h.ask(h.phones(either(10, 100)))
	lasts := either(3*time.Second, 30*time.Second)
	time.Sleep(lasts) // the time is what is tested
	h.backup.up()
	h.primary.does(takes)
	began := time.Now()
	h.settled()
	h.remark = fmt.Sprintf("down for %s; all delivered %s later", brief(lasts), brief(time.Since(began)))
}

// textsHang lets every hand-over of a text hang, more of them than a worker does
// at a time.
func textsHang(h *house) {
	h.worker()
	var once sync.Once
	over := make(chan struct{})
	release := func() { once.Do(func() { close(over) }) }
	defer release()
	h.unaffected(h.mailboxes, func() {
		h.primary.does(holds(over))
		h.backup.does(holds(over))
		h.ask(h.phones(either(30, 150)))
	})
	release()
}

// holds answers nobody until it is over, and then takes what is still waited for.
func holds(over <-chan struct{}) act {
	return func(v *vendor, w http.ResponseWriter, r *http.Request, m text) {
		select {
		case <-over:
			takes(v, w, r, m)
		case <-r.Context().Done():
		case <-v.alive.Done():
		}
	}
}

// mailsRefused has both relays close every connection with 421.
func mailsRefused(h *house) {
	h.worker()
	h.unaffected(h.phones, func() {
		h.relay.does(closes)
		h.spare.does(closes)
		h.ask(h.mailboxes(either(30, 150)))
	})
	h.relay.does(healthy)
	h.spare.does(healthy)
}

func closes(turn) reply { return reply{line: "421 4.3.2 Service not available", cut: true} }

// unaffected asks for codes on one channel before and while the other is broken.
func (h *house) unaffected(recipients func(int) []string, breaks func()) {
	h.Helper()
	batch := func() time.Duration {
		to := recipients(either(30, 200))
		h.stream(to, 10*time.Millisecond)
		h.arrived(to)
		return h.ledger.slowest(to)
	}
	batch() // warms up
	before := batch()
	breaks()
	meanwhile := batch()
	h.remark = fmt.Sprintf("healthy channel: longest %s, before %s", brief(meanwhile), brief(before))
}

// drained has an operator take the preferred vendor out while two workers deliver.
func drained(h *house) {
	h.worker()
	h.worker()
	to := h.phones(either(300, 2000))
	var streaming sync.WaitGroup
	streaming.Go(func() { h.stream(to, 10*time.Millisecond) })
	processtest.Until(h, time.Minute, "some have arrived", func() bool { return h.ledger.reached(to) > 50 })
	h.order("primary", "drain")
	began := time.Now()
	time.Sleep(2 * time.Second) // the time is what is promised
	asked, last := h.primary.asked.Load(), h.ledger.last("primary")
	time.Sleep(either(time.Second/2, 5*time.Second)) // nothing is what is waited for
	if more := h.primary.asked.Load() - asked; more > 0 {
		h.Errorf("the vendor was asked %d times later than two seconds after it was drained", more)
	}
	h.order("primary", "resume")
	streaming.Wait()
	h.remark = fmt.Sprintf("the last by the drained vendor %s after the order", brief(max(0, last.Sub(began))))
}
