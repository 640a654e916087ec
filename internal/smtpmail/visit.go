package smtpmail

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/emersion/go-smtp"
)

var (
	errNobody  = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "There is no such mailbox"}
	errAborted = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: "The message did not come to its end"}
	errStore   = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Not now, try again later"}
)

// visit is what a client of Bounces says on a connection.
type visit struct {
	bounces *Bounces
	ctx     context.Context
	caller  *caller
	from    string
	to      []returned
}

// Mail begins a message. Bounces have no sender of their own: from is "".
func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	v.from = from
	return nil
}

// Rcpt accepts return paths alone.
func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	about, ours := v.bounces.parse(to)
	if !ours {
		v.bounces.Counted(BounceRefused)
		return errNobody
	}
	v.to = append(v.to, about)
	return nil
}

// Data reads the message to its end, whatever its size, and takes what its
// beginning says.
func (v *visit) Data(r io.Reader) error {
	v.caller.begin()
	text, err := io.ReadAll(io.LimitReader(r, maxMessage))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	defer v.caller.end(err == nil)
	if err != nil {
		return errAborted
	}
	return v.take(text)
}

func (v *visit) take(text []byte) error {
	ctx, cancel := context.WithTimeout(v.ctx, storeTime)
	defer cancel()
	report, unread := ReadReport(bytes.NewReader(text))
	for _, about := range v.to {
		if unread != nil {
			v.bounces.note(ctx, v.unread(), about, report)
		} else if err := v.bounces.take(ctx, about, report); err != nil {
			return err
		}
	}
	return nil
}

// unread is the outcome of a message that is no report. Who names a sender is a
// person or answers for one.
func (v *visit) unread() string {
	if v.from != "" {
		return BounceIgnored
	}
	return BounceUnreadable
}

// Reset is called between messages.
func (v *visit) Reset() { v.from, v.to = "", nil }

// Logout is called when the connection ends.
func (v *visit) Logout() error { return nil }

// serverLog writes down what go-smtp complains of, without the values: they quote
// clients, and a panic's may hold anything.
type serverLog struct{ log *slog.Logger }

// Printf is for connections that broke, panics, and listeners that fail.
func (s serverLog) Printf(format string, _ ...any) {
	level := slog.LevelError
	if strings.HasPrefix(format, "error handling") {
		level = slog.LevelDebug // anybody can break a connection
	}
	s.log.Log(context.Background(), level, "bounce server", "text", strings.TrimSpace(format))
}

// Println is part of the interface, and never called.
func (s serverLog) Println(...any) { s.Printf("") }
