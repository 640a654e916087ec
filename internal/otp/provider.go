package otp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Message is a letter written out, on its way to a provider. It prints its
// order only: its texts hold the code.
type Message struct {
	Order   Order
	Attempt int
	To      Recipient
	Subject string // email only
	Text    string
	HTML    string        // email only
	Left    time.Duration // how long the code still lives at the hand-over
	At      time.Time     // when the send was asked for: the same over all attempts
}

// Format prints the order whatever the verb.
func (m Message) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "message %s.%d", m.Order, m.Attempt)
}

// LogValue logs the order.
func (m Message) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(m)) }

// MarshalJSON refuses.
func (m Message) MarshalJSON() ([]byte, error) {
	return nil, errors.New("otp: a message is never marshalled")
}

// Provider is one configured account with a vendor. It may be used by many
// goroutines at once.
type Provider interface {
	// Name is the account's name in the configuration.
	Name() string
	// Send hands a message over and returns what the vendor took it for. It
	// gives up when ctx ends. Its errors are *Fault.
	Send(ctx context.Context, m Message) (Acceptance, error)
}

// Inquirer is a provider that can be asked what became of a message.
type Inquirer interface {
	// Inquire returns the state of the message that ref names, as a receipt
	// would tell it. Its errors are *Fault.
	Inquire(ctx context.Context, ref string) (Receipt, error)
}

// Confirmer is a provider that wants to hear which messages were of use.
type Confirmer interface {
	// Confirm tells that the message which ref names was used. Its errors are *Fault.
	Confirm(ctx context.Context, ref string) error
}

// Greeter is a provider whose account can be tried without a message.
type Greeter interface {
	// Greet tells whether the vendor would take messages from us now, without
	// giving it one. note is what else somebody should know, in our own words; "" is
	// nothing. Its errors are *Fault.
	Greet(ctx context.Context) (note string, err error)
}

// Acceptance is what a vendor said when it took a message.
type Acceptance struct {
	Ref   string // the vendor's own name for the message; "" if it gave none
	State State  // Accepted, or Sent if a carrier or mail server has it already
}

// Class says at whose door a fault lies.
type Class string

// The classes of faults.
const (
	// FaultProvider is a vendor that is down, slow or broken: another may do better.
	FaultProvider Class = "provider"
	// FaultThrottled is a vendor that is busy: another may do better, and this
	// one wants to be left alone for RetryAfter.
	FaultThrottled Class = "throttled"
	// FaultRecipient is an address that cannot be reached, or a person who does
	// not want to be: nobody will do better on this channel.
	FaultRecipient Class = "recipient"
	// FaultUs is our content, sender, credentials or route: another account may
	// do better, and somebody must look.
	FaultUs Class = "us"
	// FaultUnknown is an answer that never came: the message may be on its way.
	FaultUnknown Class = "unknown"
)

// Another tells whether another provider may be asked at once.
func (c Class) Another() bool { return c == FaultProvider || c == FaultThrottled || c == FaultUs }

// Fault is a hand-over that did not succeed. It is classified once, in the
// vendor's package.
type Fault struct {
	Class      Class
	Provider   string
	Code       string        // short and from a closed set, such as "twilio_21211" or "smtp_550_5.1.1"
	Permanent  bool          // FaultRecipient only: the address will not be reachable tomorrow either
	RetryAfter time.Duration // FaultThrottled, and FaultUs of a whole account: for how long it takes no message at all; 0: only this one is affected
	Err        error         // the vendor's own words: they quote addresses and codes, so they go nowhere
}

// Error leaves the vendor's words out: this text goes to logs, to the journal
// and into the queue.
func (f Fault) Error() string { return fmt.Sprintf("%s: %s fault %s", f.Provider, f.Class, f.Code) }

// Unwrap returns the vendor's error.
func (f Fault) Unwrap() error { return f.Err }

// Format prints Error whatever the verb, so that %+v cannot tell the vendor's words.
func (f Fault) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.Error()) }

// LogValue logs Error.
func (f Fault) LogValue() slog.Value { return slog.StringValue(f.Error()) }

// AsFault returns the fault in err. What nobody classified may have happened or
// not: it is unknown.
func AsFault(provider string, err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{Class: FaultUnknown, Provider: provider, Code: "unclassified", Err: err}
}

// MarshalJSON refuses: the vendor's words would go along.
func (f Fault) MarshalJSON() ([]byte, error) {
	return nil, errors.New("otp: a fault is never marshalled")
}

// Reception is what became of a receipt.
type Reception struct {
	Moved   bool          // it changed something
	Channel Channel       // of the send
	After   time.Duration // since the send was asked for
	Due     *Due          // the send, if another provider is to be asked now; else nil
}

// Receipt is what a provider reports later about one attempt.
type Receipt struct {
	Order    Order
	Attempt  int
	Provider string
	Ref      string // "" if the report names the attempt alone, as a bounce does
	State    State  // Accepted, Sent, Undelivered, Failed or Delivered; Unknown if even the provider cannot tell
	Reason   string // a short code; "" if all went well
	Class    Class  // of a State that is Undelivered or Failed
	// Permanent, with FaultRecipient: the address will not be reachable
	// tomorrow either.
	Permanent bool
}
