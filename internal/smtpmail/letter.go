package smtpmail

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	errSender  = errors.New("not a mailbox with a domain in ASCII")
	errAddress = errors.New("not a plain mailbox")
	errNoUTF8  = errors.New("the relay does not offer SMTPUTF8")
)

// letter is a message with its envelope.
type letter struct {
	from, to string // as MAIL and RCPT want them, in angle brackets
	utf8     bool   // the envelope needs SMTPUTF8 (RFC 6531)
	text     []byte // header and body, signed
}

// write makes a letter of a message, to the last byte: what can go wrong with it
// goes wrong before a relay hears of it.
func (p *Provider) write(m otp.Message) (letter, error) {
	from, err := p.sender()
	if err != nil {
		return letter{}, at(sending, err)
	}
	to, err := plainMailbox(m.To.Reveal())
	if err != nil {
		return letter{}, at(addressing, err)
	}
	text, err := p.text(m, from, to)
	if err != nil {
		return letter{}, at(sending, err)
	}
	back := p.returnPath(m, from)
	return letter{
		from: back.String(),
		to:   to.String(),
		utf8: !ascii(back.Address) || !ascii(from.Address) || !ascii(to.Address),
		text: text,
	}, nil
}

// text is header and body. Message-ID and Date are those of the send, not of the
// attempt: mailboxes drop the second of two with the same ID.
func (p *Provider) text(m otp.Message, from, to *mail.Address) ([]byte, error) {
	name := fmt.Sprintf("%s.%d", m.Order.ID, m.Order.Send)
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	msg.ToMailAddress(to)
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(fmt.Sprintf("otp.%s@%s", name, domainOf(from)))
	msg.SetDateWithValue(m.At.UTC())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")  // the same for Exchange
	msg.SetGenHeader("X-Entity-Ref-ID", name)            // Gmail shows a mail that has its own by itself, not under an older code
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	var text bytes.Buffer
	if _, err := msg.WriteTo(&text); err != nil {
		return nil, err
	}
	return p.sign(text.Bytes(), domainOf(from), m.At)
}

// returnPath is where a bounce of this attempt goes.
func (p *Provider) returnPath(m otp.Message, from *mail.Address) *mail.Address {
	if p.ReturnPath.Domain == "" {
		return &mail.Address{Address: from.Address}
	}
	return &mail.Address{Address: p.ReturnPath.Of(m.Order, m.Attempt)}
}

// sender reads From.
func (p *Provider) sender() (*mail.Address, error) {
	a, err := mail.ParseAddress(p.From)
	if err != nil || !ascii(domainOf(a)) {
		return nil, errSender
	}
	return a, nil
}

func (p *Provider) domain() string {
	a, err := p.sender()
	if err != nil {
		return "localhost"
	}
	return domainOf(a)
}

// plainMailbox refuses everything that is more than a mailbox: names, comments,
// folds, quotes and lists, some of which the parser takes for one.
func plainMailbox(s string) (*mail.Address, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || !ascii(domainOf(a)) {
		return nil, errAddress
	}
	return a, nil
}

func domainOf(a *mail.Address) string { return a.Address[strings.LastIndexByte(a.Address, '@')+1:] }

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0
}
