package chaos_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// turn is one command of a mail transaction, as the relay hears it.
type turn struct {
	verb string // MAIL, RCPT, DATA, or "." at the end of the message
	to   string // from RCPT on
	mail int    // which message of the connection this is, from 1
}

// reply is what a relay does about a turn. The zero value is what a healthy one
// does.
type reply struct {
	line  string // instead of the usual answer
	cut   bool   // the connection, once line is said
	quiet bool   // takes the message and never answers
}

// relay is a mail relay that acts as it is told. What it takes it writes into
// the ledger.
type relay struct {
	name   string
	ledger *ledger
	addr   *net.TCPAddr
	open   atomic.Int64 // connections
	mails  atomic.Int64 // MAIL commands

	mu    sync.Mutex
	acts  func(turn) reply
	idle  time.Duration // after which a connection that says nothing is closed; 0: never
	conns map[net.Conn]bool
}

// startRelay starts a relay that takes everything.
func startRelay(t testing.TB, name string, l *ledger) *relay {
	t.Helper()
	in, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{name: name, ledger: l, addr: in.Addr().(*net.TCPAddr), acts: healthy, conns: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := in.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { r.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = in.Close(); r.cut(); serving.Wait() })
	return r
}

func healthy(turn) reply { return reply{} }

// does tells the relay what to do from now on.
func (r *relay) does(acts func(turn) reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acts = acts
}

// closesIdle closes connections opened from now on that say nothing for a time.
func (r *relay) closesIdle(after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = after
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		_ = conn.Close()
	}
}

func (r *relay) now(t turn) reply {
	r.mu.Lock()
	acts := r.acts
	r.mu.Unlock()
	return acts(t)
}

func (r *relay) serve(conn net.Conn) {
	r.mu.Lock()
	r.conns[conn] = true
	idle := r.idle
	r.mu.Unlock()
	r.open.Add(1)
	defer func() {
		_ = conn.Close()
		r.open.Add(-1)
		r.mu.Lock()
		delete(r.conns, conn)
		r.mu.Unlock()
	}()
	(&dialogue{relay: r, conn: conn, text: textproto.NewConn(conn), idle: idle}).run()
}

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
		return string(body), errors.Join(err)
	}
}
