package smtpmail

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// maxSent is how many messages one connection carries; relays cut connections
// that never end.
const maxSent = 100

// session is one connection to the relay, greeted, secured and authenticated.
// It belongs to one goroutine at a time.
type session struct {
	raw    net.Conn // beneath TLS: closing it ends whatever is going on
	client *smtp.Client
	sent   int
	dead   bool
	timer  *time.Timer // while it is idle
}

// hand runs one mail transaction and returns the relay's answer to it. The
// client knows no ctx: at its end the connection is closed under the client's
// feet. What cannot carry another transaction is closed and marked dead.
func (s *session) hand(ctx context.Context, l letter) (string, error) {
	stop := context.AfterFunc(ctx, s.cut)
	answer, err := s.transact(l)
	s.sent++
	s.dead = !s.ready(err)
	if !stop() || s.dead {
		s.dead = true
		s.cut()
	}
	return answer, err
}

// transact is RFC 5321 §3.3. Its errors say at which step it ended.
func (s *session) transact(l letter) (string, error) {
	if offered, _ := s.client.Extension("SMTPUTF8"); l.utf8 && !offered {
		return "", at(addressing, errNoUTF8)
	}
	s.client.SkipSMTPUTF8(!l.utf8)
	// RFC 3461, of relays that offer it: left alone, a bounce would carry the
	// whole message, and the code with it.
	s.client.SetDSNMailReturnOption("HDRS")
	s.client.SetDSNRcptNotifyOption("FAILURE")
	if err := s.client.Mail(l.from); err != nil {
		return "", at(mailing, err)
	}
	if err := s.client.Rcpt(l.to); err != nil {
		return "", at(rcpting, err)
	}
	w, err := s.client.Data()
	if err != nil {
		return "", at(starting, err)
	}
	// Nothing but closing the connection may follow a failure here: the next
	// command would write the end mark first, and half a message would be sent.
	if _, err := w.Write(l.text); err != nil {
		return "", at(writing, err)
	}
	if err := w.Close(); err != nil {
		return "", at(ending, err)
	}
	return w.(*smtp.DataCloser).ServerResponse(), nil
}

// ready tells whether the connection can carry another transaction, and resets
// it where the relay has refused one half way.
func (s *session) ready(err error) bool {
	var f *failure
	if !errors.As(err, &f) {
		return err == nil
	}
	switch r := f.reply(); {
	case f.step == addressing:
		return true
	case !r.negative() || r.code == 421:
		return false
	case f.step == mailing || f.step == rcpting:
		return s.client.Reset() == nil
	default:
		return f.step == ending
	}
}

// cut closes the connection, whatever is going on. The client's own Close and
// Quit leave the socket open when the relay does not answer them.
func (s *session) cut() { _ = s.raw.Close() }

// quit says good-bye between two transactions, without waiting for the answer.
func (s *session) quit() {
	_ = s.raw.SetDeadline(time.Now().Add(time.Second))
	_ = s.client.Text.PrintfLine("QUIT")
	s.cut()
}
