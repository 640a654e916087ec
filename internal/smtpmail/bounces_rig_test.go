package smtpmail_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

// mailroom is a server for bounces that runs, and what it did.
type mailroom struct {
	*smtpmail.Bounces
	path smtpmail.ReturnPath
	addr net.Addr
	stop func()        // as a signal does
	gone chan struct{} // closed when Serve has returned

	mu       sync.Mutex
	log      bytes.Buffer
	outcomes map[string]int
	changed  chan struct{} // closed and replaced with every outcome
}

// openMailroom starts one for the return paths of the provider smtp-test.
func openMailroom(t *testing.T, desk smtpmail.Receiver, more func(*smtpmail.Bounces)) *mailroom {
	t.Helper()
	m := &mailroom{path: returnPath(t, "a"), gone: make(chan struct{}), outcomes: map[string]int{}, changed: make(chan struct{})}
	m.Bounces = &smtpmail.Bounces{
		ReturnPaths: only(map[string]smtpmail.ReturnPath{"smtp-test": m.path}), Receiver: desk, Counted: m.count,
		Log: slog.New(slog.NewJSONHandler(m, &slog.HandlerOptions{Level: slog.LevelDebug})), Drain: 10 * time.Second,
	}
	if more != nil {
		more(m.Bounces)
	}
	l := listen(t, "127.0.0.1:0")
	m.addr = l.Addr()
	var ctx context.Context
	ctx, m.stop = context.WithCancel(context.Background())
	go func() {
		defer close(m.gone)
		if err := m.Serve(ctx, l); err != nil {
			t.Errorf("serve: %v", err)
		}
	}()
	t.Cleanup(func() { m.stop(); <-m.gone })
	return m
}

// only are return paths that stay.
func only(paths map[string]smtpmail.ReturnPath) func() map[string]smtpmail.ReturnPath {
	return func() map[string]smtpmail.ReturnPath { return paths }
}

func (m *mailroom) count(outcome string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outcomes[outcome]++
	close(m.changed)
	m.changed = make(chan struct{})
}

// counted waits until an outcome has come so often.
func (m *mailroom) counted(t *testing.T, outcome string, n int) {
	t.Helper()
	for late := time.After(30 * time.Second); ; {
		m.mu.Lock()
		got, changed := m.outcomes[outcome], m.changed
		m.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%d times %s, want %d: %v\n%s", got, outcome, n, m.outcomes, m.said())
		}
	}
}

func (m *mailroom) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.Write(p)
}

func (m *mailroom) said() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.String()
}

// client is somebody at the server's door.
type client struct {
	*textproto.Conn
	t    *testing.T
	conn net.Conn
}

// dial connects without waiting for the greeting.
func (m *mailroom) dial(t *testing.T) *client {
	t.Helper()
	conn, err := net.Dial(m.addr.Network(), m.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	c := &client{textproto.NewConn(conn), t, conn}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// enter is dial, and the greetings.
func (m *mailroom) enter(t *testing.T) *client {
	t.Helper()
	c := m.dial(t)
	c.hear(220)
	c.say("EHLO mx.example", 250)
	return c
}

// hear wants an answer.
func (c *client) hear(code int) (text string) {
	c.t.Helper()
	got, text, err := c.ReadResponse(0)
	if err != nil && got == 0 {
		c.t.Fatalf("want %d: %v", code, err)
	}
	if got != code {
		c.t.Fatalf("%d %s, want %d", got, text, code)
	}
	return text
}

func (c *client) say(line string, code int) (text string) {
	c.t.Helper()
	if err := c.PrintfLine("%s", line); err != nil {
		c.t.Fatal(err)
	}
	return c.hear(code)
}

// bring hands a message over and wants an answer to its end.
func (c *client) bring(from, to, text string, code int) {
	c.t.Helper()
	c.say("MAIL FROM:<"+from+">", 250)
	c.say("RCPT TO:<"+to+">", 250)
	c.say("DATA", 354)
	w := c.DotWriter()
	if _, err := w.Write([]byte(text)); err != nil {
		c.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.hear(code)
}

// secure turns to TLS.
func (c *client) secure(config *tls.Config) {
	c.t.Helper()
	c.say("STARTTLS", 220)
	config = config.Clone()
	config.ServerName = "127.0.0.1"
	c.conn = tls.Client(c.conn, config)
	c.Conn = textproto.NewConn(c.conn)
}

// ends wants the server to hang up, whatever it says before.
func (c *client) ends() (said string) {
	c.t.Helper()
	var b bytes.Buffer
	_, err := b.ReadFrom(c.R)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("the server does not hang up: %s", b.String())
	}
	return b.String()
}

// notebook is a desk that takes down what it is told.
type notebook struct {
	mu    sync.Mutex
	taken []otp.Receipt
	fail  func() error
	moves func(otp.Receipt) bool
}

func (n *notebook) Receive(ctx context.Context, r otp.Receipt) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if n.fail != nil {
		if err := n.fail(); err != nil {
			return false, err
		}
	}
	n.taken = append(n.taken, r)
	return n.moves == nil || n.moves(r), nil
}

func (n *notebook) receipts() []otp.Receipt {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]otp.Receipt(nil), n.taken...)
}

// anAttempt is one that a return path was made for.
var anAttempt = otp.Order{ID: verification, Send: 2}

// undelivered is the receipt about it that a status makes.
func undelivered(status string, class otp.Class, permanent bool) otp.Receipt {
	return otp.Receipt{
		Order: anAttempt, Attempt: 3, Provider: "smtp-test",
		State: otp.Undelivered, Reason: "dsn_" + status, Class: class, Permanent: permanent,
	}
}

// notification is a delivery status notification with fields about one recipient.
func notification(fields ...string) string {
	return "From: Mail Delivery System <MAILER-DAEMON@relay.test>\n" +
		"To: <bounce@acme.example>\nSubject: Undelivered mail\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=\"=_7\"\n\n" +
		"This is for people with MIME.\n--=_7\nContent-Type: text/plain\n\nIt did not arrive: zoe@next.test, 481516.\n" +
		"--=_7\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.test\nArrival-Date: today\n\n" +
		"Final-Recipient: rfc822; zoe@next.test\n" + strings.Join(fields, "\n") + "\n" +
		"--=_7\nContent-Type: text/rfc822-headers\n\nSubject: Your code\n--=_7--\n"
}
