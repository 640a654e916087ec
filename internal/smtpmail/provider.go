package smtpmail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var _ otp.Provider = (*Provider)(nil)

// Provider is one account with a mail relay. Its fields are set before the
// first Send and left alone afterwards. It prints its name only.
type Provider struct {
	AccountName string      // in the configuration
	Host        string      // of the relay; its certificate must bear this name
	Port        int         // 0: 465 with TLSImplicit, 587 otherwise
	TLS         TLSPolicy   // "" is TLSMandatory
	TLSConfig   *tls.Config // nil: the system's roots
	Username    string      // "": no AUTH
	Password    string
	From        string // an RFC 5322 mailbox, with or without a display name
	HELO        string // the name we give ourselves; "": the domain of From
	ReturnPath  ReturnPath
	DKIM        []DKIM // all of them sign; none: the relay does, or nobody

	Connections int           // open at once, at most; 0: 4
	Timeout     time.Duration // of a hand-over, unless ctx ends earlier; 0: 10 s
	IdleTime    time.Duration // after which an unused connection is closed; 0: 20 s

	opened sync.Once
	kept   *pool
}

// Name is the account's name in the configuration.
func (p *Provider) Name() string { return p.AccountName }

// Send hands a message to the relay. The answer 250 is otp.Sent, with the
// relay's queue id if it names one. Errors are *otp.Fault.
func (p *Provider) Send(ctx context.Context, m otp.Message) (otp.Acceptance, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	l, err := p.write(m)
	if err != nil {
		return otp.Acceptance{}, p.fault(ctx, err)
	}
	answer, err := p.deliver(ctx, l)
	if err != nil {
		return otp.Acceptance{}, p.fault(ctx, err)
	}
	return otp.Acceptance{Ref: queueID(answer), State: otp.Sent}, nil
}

// deliver uses a kept connection if there is one. That the relay has closed it
// meanwhile shows only now; a fresh one then takes its place, once.
func (p *Provider) deliver(ctx context.Context, l letter) (string, error) {
	kept := p.connections()
	s, err := kept.take(ctx)
	if err != nil {
		return "", at(waiting, err)
	}
	defer func() { kept.give(s) }()
	if s != nil {
		answer, err := s.hand(ctx, l)
		if !stale(ctx, err) {
			return answer, err
		}
	}
	if s, err = p.dial(ctx); err != nil {
		return "", err
	}
	return s.hand(ctx, l)
}

// Close closes the connections that are idle, and each of the others when its
// hand-over is done. A later Send works, but keeps no connection.
func (p *Provider) Close() error {
	p.connections().close()
	return nil
}

func (p *Provider) connections() *pool {
	p.opened.Do(func() {
		size, idle := p.Connections, p.IdleTime
		if size <= 0 {
			size = 4
		}
		if idle <= 0 {
			idle = 20 * time.Second
		}
		p.kept = newPool(size, idle)
	})
	return p.kept
}

func (p *Provider) timeout() time.Duration {
	if p.Timeout <= 0 {
		return 10 * time.Second
	}
	return p.Timeout
}

func (p *Provider) address() string {
	port := p.Port
	switch {
	case port != 0:
	case p.TLS == TLSImplicit:
		port = 465
	default:
		port = 587
	}
	return net.JoinHostPort(p.Host, strconv.Itoa(port))
}

// Format prints the name whatever the verb: the password is a plain field.
func (p *Provider) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "smtp "+p.AccountName) }

// LogValue logs the name.
func (p *Provider) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(p)) }

// MarshalJSON refuses.
func (p *Provider) MarshalJSON() ([]byte, error) {
	return nil, errors.New("smtpmail: a provider is never marshalled")
}
