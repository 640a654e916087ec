package smtpmail

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/otpipe/otpipe/internal/otp"
)

// What may become of a bounce. Each is counted.
const (
	BounceMoved      = "moved"      // it changed an attempt
	BounceStale      = "stale"      // it came twice, too late, or about what the store does not know (any more)
	BounceIgnored    = "ignored"    // it decides nothing, such as "delayed", or is no bounce
	BounceUnreadable = "unreadable" // it has no form that is known
	BounceRefused    = "refused"    // it was for an address that nobody made
	BounceDeferred   = "deferred"   // the store did not answer: the relay comes again
)

// Receiver takes receipts about attempts of ours.
type Receiver interface {
	// Receive writes a receipt down. A late, doubled or foreign one is no error.
	Receive(ctx context.Context, r otp.Receipt) (moved bool, err error)
}

// Bounces is the mail server (RFC 5321) that bounces come back to. It takes mail
// for the return paths of its providers and for nobody else, and passes nothing
// on. Which attempt a bounce is about is in the address that it is sent to; what
// it says only tells how the attempt ended.
//
// Whoever has seen a return path can write to it: the mail systems on the way and
// the recipient, who can spoil nothing but codes sent to themselves.
type Bounces struct {
	// ReturnPaths are those of the moment, by the provider's name in the
	// configuration; two may share a domain.
	ReturnPaths func() map[string]ReturnPath
	Receiver    Receiver
	Counted     func(outcome string)
	Log         *slog.Logger
	TLS         *tls.Config // to offer STARTTLS with; nil: it is not offered

	Patience    time.Duration // with a client, from one message that counts to the next; 0: a minute
	Drain       time.Duration // how long a message that is being read may take when ctx ends; 0: not at all
	Connections int           // at once: others wait to be greeted; 0: 100
}

const (
	maxMessage    = 256 << 10       // octets that are read; a report comes before the message it returns
	maxRecipients = 10              // a bounce has one
	storeTime     = 5 * time.Second // for all receipts of a message
)

// Serve takes mail on l until ctx ends, and closes it. It then hangs up on clients
// between two messages at once, and on the others after their message: what it has
// not said yes to, they bring again.
func (b *Bounces) Serve(ctx context.Context, l net.Listener) error {
	d := newDoor(l, cmp.Or(b.Connections, 100), cmp.Or(b.Patience, time.Minute))
	server := b.server(context.WithoutCancel(ctx))
	var err error
	served := make(chan struct{})
	go func() { defer close(served); err = server.Serve(d) }()
	select {
	case <-served:
		d.cut()
		return fmt.Errorf("serve bounces on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	_ = d.Close()
	<-served // nobody else comes in
	d.clear()
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.Drain)
	defer cancel()
	_ = server.Shutdown(late) // that the door is closed is no news
	d.cut()
	return nil
}

func (b *Bounces) server(ctx context.Context) *smtp.Server {
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &visit{bounces: b, ctx: ctx, caller: callerOf(c)}, nil
	}))
	s.Domain = b.name()
	s.TLSConfig = b.TLS
	s.MaxRecipients = maxRecipients
	s.EnableSMTPUTF8 = true                                   // RFC 6533: the bounce of a mail to such a mailbox needs it
	s.ReadTimeout, s.WriteTimeout = time.Hour, 10*time.Second // the caller's patience is shorter
	s.ErrorLog = serverLog{b.Log}
	return s
}

// name is what the server calls itself: the domain of the first return path when it
// starts.
func (b *Bounces) name() string {
	paths := b.ReturnPaths()
	for _, provider := range slices.Sorted(maps.Keys(paths)) {
		return paths[provider].Domain
	}
	return "localhost"
}

// returned is the attempt that a return path was made for. Its provider is one of
// those that the domain belongs to; the store knows which.
type returned struct {
	order     otp.Order
	attempt   int
	providers []string
}

func (b *Bounces) parse(address string) (r returned, ok bool) {
	paths := b.ReturnPaths()
	for _, provider := range slices.Sorted(maps.Keys(paths)) {
		if order, attempt, ours := paths[provider].Parse(address); ours {
			r.order, r.attempt = order, attempt
			r.providers = append(r.providers, provider)
		}
	}
	return r, len(r.providers) > 0
}

// take writes down what a report says about an attempt.
func (b *Bounces) take(ctx context.Context, about returned, report Report) error {
	if _, decides := report.Receipt(about.order, about.attempt, ""); !decides {
		b.note(ctx, BounceIgnored, about, report)
		return nil
	}
	for _, provider := range about.providers {
		rc, _ := report.Receipt(about.order, about.attempt, provider)
		moved, err := b.Receiver.Receive(ctx, rc)
		if err != nil {
			b.Counted(BounceDeferred)
			b.Log.ErrorContext(ctx, "bounce not written", "order", about.order.String(), "attempt", about.attempt, "error", err)
			return errStore
		}
		if moved {
			about.providers = []string{provider}
			b.note(ctx, BounceMoved, about, report)
			return nil
		}
	}
	b.note(ctx, BounceStale, about, report)
	return nil
}

// note counts and logs an outcome.
func (b *Bounces) note(ctx context.Context, outcome string, about returned, report Report) {
	b.Counted(outcome)
	provider := ""
	if len(about.providers) == 1 {
		provider = about.providers[0]
	}
	rc, _ := report.Receipt(about.order, about.attempt, provider)
	b.Log.InfoContext(ctx, "bounce", "outcome", outcome, "order", about.order.String(), "attempt", about.attempt,
		"provider", provider, "state", cmp.Or(string(rc.State), report.Action), "reason", report.Reason())
}
