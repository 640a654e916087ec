package chaos_test

import (
	"fmt"
	"sync"
	"time"

	"github.com/otpipe/otpipe/internal/processtest"
)

// mails is what relays do to those who hand them mail.
func mails() []scenario {
	return []scenario{
		{name: "relay says 421 in mid-session", play: midSession},
		{name: "relays greylist with 450", play: greylisted},
		{name: "relay closes idle connections", play: idleClosed},
		{
			name: "relay stores the mail and never answers", play: storedInSilence,
			twice: "nothing reports on mail that was stored",
		},
	}
}

// midSession has the relay end every connection at its third mail, at each command
// in turn.
func midSession(h *house) {
	h.worker()
	var cuts int
	var mu sync.Mutex
	h.relay.does(func(t turn) reply {
		mu.Lock()
		defer mu.Unlock()
		if t.mail < 3 || t.verb != []string{"MAIL", "RCPT", "DATA"}[cuts%3] {
			return reply{}
		}
		cuts++
		return closes(t)
	})
	h.stream(h.mailboxes(either(60, 600)), 10*time.Millisecond)
	h.settled()
	mu.Lock()
	defer mu.Unlock()
	h.remark = fmt.Sprintf("%d connections ended", cuts)
}

// greylisted has both relays refuse every mailbox for three seconds from the first try.
func greylisted(h *house) {
	h.worker()
	var mu sync.Mutex
	first := map[string]time.Time{}
	grey := func(t turn) reply {
		mu.Lock()
		defer mu.Unlock()
		if t.verb != "RCPT" {
			return reply{}
		}
		if first[t.to].IsZero() {
			first[t.to] = time.Now()
		}
		if time.Since(first[t.to]) < 3*time.Second {
			return reply{line: "450 4.2.0 Greylisted, try again later"}
		}
		return reply{}
	}
	h.relay.does(grey)
	h.spare.does(grey)
	h.ask(h.mailboxes(either(10, 100)))
}

// idleClosed asks for mails when all connections that the worker keeps are closed
// at the other end.
func idleClosed(h *house) {
	h.relay.closesIdle(300 * time.Millisecond)
	h.worker()
	for range either(2, 5) {
		to := h.mailboxes(either(10, 50))
		h.ask(to)
		h.arrived(to)
		processtest.Until(h, time.Minute, "all connections are closed", func() bool { return h.relay.open.Load() == 0 })
	}
	h.remark = fmt.Sprintf("spare relay asked %d times", h.spare.mails.Load())
}

// storedInSilence has the relay take every mail and fall silent.
func storedInSilence(h *house) {
	h.worker()
	h.relay.does(func(turn) reply { return reply{quiet: true} })
	h.ask(h.mailboxes(either(10, 50)))
}
