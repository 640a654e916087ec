package chaos_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
)

// dialogue is one connection.
type dialogue struct {
	relay *relay
	conn  net.Conn
	text  *textproto.Conn
	idle  time.Duration
	turn  turn
}

func (d *dialogue) run() {
	_ = d.text.PrintfLine("220 %s.test ESMTP", d.relay.name)
	for goesOn := true; goesOn; {
		if d.idle > 0 {
			_ = d.conn.SetReadDeadline(time.Now().Add(d.idle))
		}
		line, err := d.text.ReadLine()
		if err != nil {
			return
		}
		goesOn = d.obey(line)
	}
}

// obey does one command (RFC 5321 §4.1); false ends the connection.
func (d *dialogue) obey(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb = strings.ToUpper(verb); verb {
	case "EHLO":
		return d.say("250 %s.test", d.relay.name)
	case "MAIL":
		d.relay.mails.Add(1)
		d.turn = turn{mail: d.turn.mail + 1}
		return d.act(verb, "250 2.1.0 Ok")
	case "RCPT":
		_, to, _ := strings.Cut(rest, "<")
		d.turn.to, _, _ = strings.Cut(to, ">")
		return d.act(verb, "250 2.1.5 Ok")
	case "DATA":
		return d.act(verb, "354 Go on")
	case "RSET", "NOOP":
		return d.say("250 2.0.0 Ok")
	case "QUIT":
		_ = d.say("221 2.0.0 Bye")
		return false
	default:
		return d.say("502 5.5.1 Unknown command")
	}
}

// act answers as the relay is told to, else as usual.
func (d *dialogue) act(verb, usual string) bool {
	d.turn.verb = verb
	switch out := d.relay.now(d.turn); {
	case out.line != "":
		return d.say("%s", out.line) && !out.cut
	case out.cut:
		return false
	case !d.say("%s", usual):
		return false
	}
	return verb != "DATA" || d.take()
}

// take reads a message and keeps it, unless the relay is told otherwise.
func (d *dialogue) take() bool {
	raw, err := d.text.ReadDotBytes()
	if err != nil {
		return false
	}
	d.turn.verb = "."
	out := d.relay.now(d.turn)
	if out.line != "" || out.cut {
		return d.say("%s", out.line) && !out.cut
	}
	d.relay.ledger.arrive(d.relay.name, d.turn.to, plain(raw))
	if out.quiet {
		_ = d.conn.SetReadDeadline(time.Time{})
		_, _ = io.Copy(io.Discard, d.conn) // until the caller has gone
		return false
	}
	return d.say("250 2.0.0 Ok: queued as %08X", d.relay.mails.Load())
}

func (d *dialogue) say(format string, args ...any) bool {
	return d.text.PrintfLine(format, args...) == nil
}

// plain is the plain text of a message, or what is wrong with it.
func plain(raw []byte) string {
	body, err := plainPart(raw)
	if err != nil {
		return fmt.Sprintf("unreadable: %v", err)
	}
	return body
}

func plainPart(raw []byte) (string, error) {
	in, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	_, params, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	for parts := multipart.NewReader(in.Body, params["boundary"]); ; {
		part, err := parts.NextPart() // undoes quoted-printable
		if err != nil {
			return "", err
		}
		if !strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			continue
		}
		body, err := io.ReadAll(part)
		return string(body), err
	}
}
