package devkit

import (
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Message is what arrived at a handset or in a mailbox.
type Message struct {
	ID         string    `json:"id"`
	To         string    `json:"to"`
	Channel    string    `json:"channel"`  // sms or email
	Provider   string    `json:"provider"` // twilio or smtp
	Subject    string    `json:"subject"`
	Body       string    `json:"body"`
	HTML       string    `json:"html"`
	Code       string    `json:"code"` // the digits found in the body
	ReceivedAt time.Time `json:"received_at"`
}

// inboxSize is how many messages an inbox keeps; the oldest go first.
const inboxSize = 1000

var codeForm = regexp.MustCompile(`\b\d{4,10}\b`)

// Inbox holds what the outside world received. The zero value is ready for use
// by many goroutines at once.
type Inbox struct {
	mu       sync.Mutex
	messages []Message // newest last
	next     int
	changed  chan struct{}
}

// Add puts a message in, gives it an id and a time, and finds its code.
func (b *Inbox) Add(m Message) Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	m.ID = strconv.Itoa(b.next)
	if m.ReceivedAt.IsZero() {
		m.ReceivedAt = time.Now().UTC()
	}
	m.Code = codeForm.FindString(m.Body)
	b.messages = append(b.messages, m)
	if over := len(b.messages) - inboxSize; over > 0 {
		b.messages = slices.Delete(b.messages, 0, over)
	}
	b.announce()
	return m
}

// Messages lists what was received by an address, newest first; "" is everybody's.
func (b *Inbox) Messages(to string) []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []Message{}
	for _, m := range slices.Backward(b.messages) {
		if to == "" || m.To == to {
			found = append(found, m)
		}
	}
	return found
}

// Clear throws everything away.
func (b *Inbox) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = nil
	b.announce()
}

// Changed returns a channel that is closed at the next change.
func (b *Inbox) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

func (b *Inbox) announce() {
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}
