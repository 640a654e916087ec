package smtpmail_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/smtpmail"
)

// Time is what these test: however a client spends it, it is up.
func TestAClientThatBringsNothingIsShownOut(t *testing.T) {
	t.Parallel()
	const patience = 500 * time.Millisecond
	for name, waste := range map[string]func(c *client, path string){
		"saying nothing": func(*client, string) {},
		"half a line":    func(c *client, _ string) { _, _ = io.WriteString(c.conn, "NO") },
		"a byte at a time": func(c *client, _ string) {
			drip(c.conn, strings.Repeat("N", 1000))
		},
		"a command at a time": func(c *client, _ string) {
			drip(c.conn, strings.Split(strings.Repeat("NOOP\r\n|", 1000), "|")...)
		},
		"a message that stops": func(c *client, path string) {
			c.say("MAIL FROM:<>", 250)
			c.say("RCPT TO:<"+path+">", 250)
			c.say("DATA", 354)
			_, _ = io.WriteString(c.conn, strings.ReplaceAll(gone511, "\n", "\r\n"))
		},
		"a message that never ends": func(c *client, path string) {
			c.say("MAIL FROM:<>", 250)
			c.say("RCPT TO:<"+path+">", 250)
			c.say("DATA", 354)
			drip(c.conn, strings.Split(strings.Repeat("x\r\n|", 1000), "|")...)
		},
		"messages that stop, one after the other": func(c *client, path string) {
			for code := 451; code == 451; {
				_ = c.PrintfLine("MAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA", path)
				for code = 250; code == 250; {
					code, _, _ = c.ReadResponse(0)
				}
				if code == 354 {
					_ = c.PrintfLine("x")
					code, _, _ = c.ReadResponse(0)
				}
			}
		},
		"addresses": func(c *client, _ string) {
			c.say("MAIL FROM:<>", 250)
			drip(c.conn, strings.Split(strings.Repeat("RCPT TO:<zoe@next.test>\r\n|", 1000), "|")...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desk := &notebook{}
			m := openMailroom(t, desk, func(b *smtpmail.Bounces) { b.Patience = patience })
			began := time.Now()
			c := m.enter(t)
			waste(c, m.path.Of(anAttempt, 3))
			c.ends()
			if took := time.Since(began); took < patience || took > 20*patience {
				t.Errorf("shown out after %s, want %s", took, patience)
			}
			if got := desk.receipts(); len(got) > 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// drip writes pieces, one each 20 ms, until nobody listens.
func drip(conn net.Conn, pieces ...string) {
	for range time.Tick(20 * time.Millisecond) {
		if len(pieces) == 0 {
			return
		}
		if _, err := io.WriteString(conn, pieces[0]); err != nil {
			return
		}
		pieces = pieces[1:]
	}
}

func TestAClientThatBringsBouncesMayStay(t *testing.T) {
	t.Parallel()
	m := openMailroom(t, &notebook{}, func(b *smtpmail.Bounces) { b.Patience = 2 * time.Second })
	c := m.enter(t)
	for began := time.Now(); time.Since(began) < 3*time.Second; {
		c.bring("", m.path.Of(anAttempt, 3), gone511, 250)
	}
}

func TestAClientTooManyWaitsUntilOneLeaves(t *testing.T) {
	t.Parallel()
	m := openMailroom(t, &notebook{}, func(b *smtpmail.Bounces) { b.Connections = 2 })
	first, second, third := m.enter(t), m.enter(t), m.dial(t)
	_ = third.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if line, err := third.ReadLine(); err == nil {
		t.Errorf("greeted: %s", line)
	}
	first.say("QUIT", 221)
	fourth := m.dial(t)
	_ = third.Close()
	fourth.hear(220) // the third is greeted before, and found gone
	second.bring("", m.path.Of(anAttempt, 3), gone511, 250)
}

func TestManyClientsAtOnceAreAllServed(t *testing.T) {
	t.Parallel()
	desk := &notebook{}
	m := openMailroom(t, desk, func(b *smtpmail.Bounces) { b.Connections = 10 })
	idle := m.enter(t) // takes a place and does nothing with it
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			c := m.enter(t)
			c.bring("", m.path.Of(anAttempt, i+1), gone511, 250)
			c.say("QUIT", 221)
		})
	}
	all.Wait()
	once := map[int]int{}
	for _, rc := range desk.receipts() {
		once[rc.Attempt]++
	}
	if len(once) != 100 || len(desk.receipts()) != 100 {
		t.Errorf("%d receipts about %d attempts", len(desk.receipts()), len(once))
	}
	idle.say("QUIT", 221)
}

func TestAServerThatStopsFinishesTheMessageItReads(t *testing.T) {
	t.Parallel()
	desk := &notebook{}
	m := openMailroom(t, desk, nil)
	between, idle, reading := m.enter(t), m.dial(t), m.enter(t)
	idle.hear(220)
	between.say("MAIL FROM:<>", 250)
	reading.say("MAIL FROM:<>", 250)
	reading.say("RCPT TO:<"+m.path.Of(anAttempt, 3)+">", 250)
	reading.say("DATA", 354)
	middle := strings.Index(gone511, "Action")
	w := reading.DotWriter()
	_, _ = io.WriteString(w, gone511[:middle])
	_ = reading.W.Flush()
	time.Sleep(200 * time.Millisecond) // go-smtp says 354 before it hands the message on: until then nobody reads it
	m.stop()
	for _, c := range []*client{between, idle} {
		if said := c.ends(); !strings.HasPrefix(said, "421 ") {
			t.Errorf("good-bye: %q", said)
		}
	}
	if conn, err := net.Dial(m.addr.Network(), m.addr.String()); err == nil {
		_ = conn.Close()
		t.Error("somebody else is let in")
	}
	_, _ = io.WriteString(w, gone511[middle:])
	_ = w.Close()
	reading.hear(250)
	reading.ends()
	<-m.gone
	if got := desk.receipts(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestAServerThatStopsDoesNotWaitForAMessageWithoutEnd(t *testing.T) {
	t.Parallel()
	desk := &notebook{}
	m := openMailroom(t, desk, func(b *smtpmail.Bounces) { b.Drain = 200 * time.Millisecond })
	c := m.enter(t)
	c.say("MAIL FROM:<>", 250)
	c.say("RCPT TO:<"+m.path.Of(anAttempt, 3)+">", 250)
	c.say("DATA", 354)
	began := time.Now()
	m.stop()
	<-m.gone
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopped after %s", took)
	}
	c.ends()
	if got := desk.receipts(); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestAServerWhoseListenerFailsSaysSo(t *testing.T) {
	t.Parallel()
	l := listen(t, "127.0.0.1:0")
	_ = l.Close()
	b := &smtpmail.Bounces{ReturnPaths: only(nil), Log: openMailroom(t, &notebook{}, nil).Log}
	if err := b.Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
