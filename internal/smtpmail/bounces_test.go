package smtpmail_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

var gone511 = notification("Action: failed", "Status: 5.1.1")

func TestABounceIsAReceiptAboutTheAttemptItIsSentTo(t *testing.T) {
	t.Parallel()
	desk := &notebook{}
	m := openMailroom(t, desk, nil)
	c := m.enter(t)
	c.bring("", m.path.Of(anAttempt, 3), gone511, 250)
	c.bring("mailer-daemon@relay.test", strings.ToUpper(m.path.Of(anAttempt, 3)), gone511, 250) // some name themselves, some shout
	c.say("QUIT", 221)
	want := undelivered("5.1.1", otp.FaultRecipient, true)
	if diff := cmp.Diff([]otp.Receipt{want, want}, desk.receipts()); diff != "" {
		t.Error(diff)
	}
	m.counted(t, smtpmail.BounceMoved, 2)
}

// Neither a relay nor a mailbox for anybody: what nobody made is refused before a
// message comes.
func TestMailForAnythingButAReturnPathIsRefused(t *testing.T) {
	t.Parallel()
	desk := &notebook{}
	m := openMailroom(t, desk, nil)
	good := m.path.Of(anAttempt, 3)
	local, _, _ := strings.Cut(good, "@")
	all := []string{
		local + "@elsewhere.example", "zoe@next.test", "postmaster@bounce.acme.example", "bounce@bounce.acme.example", "postmaster",
		strings.Replace(good, ".2.3.", ".2.4.", 1), strings.Replace(good, ".2.3.", ".1.3.", 1), strings.Replace(good, "VE00", "VE01", 1),
		local[:strings.LastIndex(local, ".")] + ".aaaaaaaaaaaaa@bounce.acme.example",
		returnPath(t, "b").Of(anAttempt, 3),
		"zoe%next.test@bounce.acme.example", good + ".", "\"" + local + "@next.test\"@bounce.acme.example",
	}
	c := m.enter(t)
	c.say("MAIL FROM:<>", 250)
	for _, to := range all {
		if err := c.PrintfLine("RCPT TO:<%s>", to); err != nil {
			t.Fatal(err)
		}
		if code, text, _ := c.ReadResponse(0); code != 550 && code != 501 {
			t.Errorf("%s: %d %s", to, code, text)
		}
	}
	c.say("DATA", 502)
	m.counted(t, smtpmail.BounceRefused, 10)
	if got := desk.receipts(); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestNothingButTakingMailIsOffered(t *testing.T) {
	t.Parallel()
	c := openMailroom(t, &notebook{}, nil).dial(t)
	if hello := c.hear(220); !strings.HasPrefix(hello, "bounce.acme.example ESMTP") {
		t.Errorf("greeting: %s", hello)
	}
	offered := c.say("EHLO mx.example", 250)
	for _, not := range []string{"AUTH", "STARTTLS", "DSN"} {
		if strings.Contains(offered, not) {
			t.Errorf("offers %s:\n%s", not, offered)
		}
	}
	c.say("STARTTLS", 502)
	c.say("AUTH PLAIN AGFubgBwYXNz", 523)
	c.say("EXPN all", 502)
}

func TestWhatDecidesNothingIsTakenAndOnlyCounted(t *testing.T) {
	t.Parallel()
	person := "From: zoe@next.test\nSubject: Re: Your code\n\nThank you!\n"
	for name, c := range map[string]struct{ from, text, outcome string }{
		"a person":            {"zoe@next.test", person, smtpmail.BounceIgnored},
		"a person with bytes": {"zoe@next.test", "\x00\xff garbage", smtpmail.BounceIgnored},
		"a vacation notice":   {"", person, smtpmail.BounceUnreadable},
		"garbage":             {"", "\x00\xff\n: \n\n--", smtpmail.BounceUnreadable},
		"nothing":             {"", "", smtpmail.BounceUnreadable},
		"a read receipt":      {"", strings.Replace(gone511, "=delivery-status", "=disposition-notification", 1), smtpmail.BounceIgnored},
		"delayed":             {"", notification("Action: delayed", "Status: 4.4.1"), smtpmail.BounceIgnored},
		"relayed":             {"", notification("Action: relayed", "Status: 2.0.0"), smtpmail.BounceIgnored},
		"expanded":            {"", notification("Action: expanded", "Status: 2.0.0"), smtpmail.BounceIgnored},
		"half a report":       {"", gone511[:strings.Index(gone511, "Action")], smtpmail.BounceUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desk := &notebook{}
			m := openMailroom(t, desk, nil)
			m.enter(t).bring(c.from, m.path.Of(anAttempt, 3), c.text, 250)
			m.counted(t, c.outcome, 1)
			if got := desk.receipts(); len(got) > 0 || len(m.outcomes) != 1 {
				t.Errorf("%+v, %v", got, m.outcomes)
			}
		})
	}
}

// What is beyond the limit is read and thrown away: a bounce that returns a whole
// mail is one all the same.
func TestAMessageOfTenMegabytesIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(strings.Repeat("x", 76)+"\n", 10<<20/77)
	m := openMailroom(t, &notebook{}, nil)
	c := m.enter(t)
	c.bring("", m.path.Of(anAttempt, 3), strings.Replace(gone511, "Subject: Your code\n", "Subject: Your code\n\n"+long, 1), 250)
	m.counted(t, smtpmail.BounceMoved, 1)
	c.bring("", m.path.Of(anAttempt, 3), strings.Replace(gone511, "It did not arrive", long, 1), 250)
	m.counted(t, smtpmail.BounceUnreadable, 1)
	c.say("MAIL FROM:<> SIZE=10485760", 250)
	c.say("RCPT TO:<"+m.path.Of(anAttempt, 3)+">", 250)
	chunk := strings.Replace(gone511, "Subject: Your code\n", "Subject: Your code\n\n"+long, 1)
	c.say(fmt.Sprintf("BDAT %d LAST\r\n%s", len(chunk)+2, chunk), 250) // and the line's end
	m.counted(t, smtpmail.BounceMoved, 2)
}

func TestALineWithoutEndEndsTheConnection(t *testing.T) {
	t.Parallel()
	m := openMailroom(t, &notebook{}, nil)
	c := m.enter(t)
	_, _ = io.WriteString(c.conn, "MAIL FROM:<"+strings.Repeat("x", 1<<20)) // fails half way: nobody reads on
	c.ends()
}

func TestHalfAMessageChangesNothing(t *testing.T) {
	t.Parallel()
	desk := &notebook{}
	m := openMailroom(t, desk, nil)
	for _, chunked := range []bool{false, true} {
		c := m.enter(t)
		c.say("MAIL FROM:<>", 250)
		c.say("RCPT TO:<"+m.path.Of(anAttempt, 3)+">", 250)
		if chunked { // RFC 3030
			c.say(fmt.Sprintf("BDAT %d\r\n%s", len(gone511), gone511), 250)
		} else {
			c.say("DATA", 354)
			_, _ = io.WriteString(c.conn, strings.ReplaceAll(gone511, "\n", "\r\n"))
		}
		_ = c.conn.(*net.TCPConn).CloseWrite()
		c.ends()
	}
	m.stop()
	<-m.gone
	if got := desk.receipts(); len(got) > 0 || len(m.outcomes) > 0 {
		t.Errorf("%+v, %v", got, m.outcomes)
	}
}

func TestWhatTheStoreCannotTakeComesAgain(t *testing.T) {
	t.Parallel()
	desk := &notebook{fail: errOnceOf(1)}
	m := openMailroom(t, desk, nil)
	c := m.enter(t)
	c.bring("", m.path.Of(anAttempt, 3), gone511, 451)
	m.counted(t, smtpmail.BounceDeferred, 1)
	c.bring("", m.path.Of(anAttempt, 3), gone511, 250)
	if got := desk.receipts(); len(got) != 1 || m.outcomes[smtpmail.BounceMoved] != 1 {
		t.Errorf("%+v, %v", got, m.outcomes)
	}
	if !strings.Contains(m.said(), "bounce not written") {
		t.Errorf("nobody is told:\n%s", m.said())
	}
}

// errOnceOf fails at the nth call.
func errOnceOf(n int) func() error {
	f := errOnce(n, otp.ErrStoreUnavailable)
	return func() error { return f("") }
}

func TestABounceForTwoAttemptsIsAboutBoth(t *testing.T) {
	t.Parallel()
	desk := &notebook{fail: errOnceOf(2)}
	m := openMailroom(t, desk, nil)
	c := m.enter(t)
	both := func(code int) {
		c.say("MAIL FROM:<>", 250)
		c.say("RCPT TO:<"+m.path.Of(anAttempt, 3)+">", 250)
		c.say("RCPT TO:<"+m.path.Of(anAttempt, 4)+">", 250)
		c.say("RCPT TO:<zoe@next.test>", 550)
		c.say("DATA", 354)
		w := c.DotWriter()
		_, _ = io.WriteString(w, gone511)
		_ = w.Close()
		c.hear(code)
	}
	both(451) // the second could not be written
	both(250)
	var attempts []int
	for _, rc := range desk.receipts() {
		attempts = append(attempts, rc.Attempt)
	}
	if diff := cmp.Diff([]int{3, 3, 4}, attempts); diff != "" {
		t.Error(diff)
	}
}

// Which of two accounts with one domain an attempt went to, the store knows.
func TestAccountsMayShareADomain(t *testing.T) {
	t.Parallel()
	for mover, want := range map[string]string{"one": smtpmail.BounceMoved, "two": smtpmail.BounceMoved, "neither": smtpmail.BounceStale} {
		desk := &notebook{moves: func(r otp.Receipt) bool { return r.Provider == mover }}
		m := openMailroom(t, desk, func(b *smtpmail.Bounces) {
			p := b.ReturnPaths["smtp-test"]
			other := p
			other.Domain = "bounce.other.example"
			b.ReturnPaths = map[string]smtpmail.ReturnPath{"one": p, "two": p, "other": other}
		})
		m.enter(t).bring("", m.path.Of(anAttempt, 3), gone511, 250)
		m.counted(t, want, 1)
		for _, rc := range desk.receipts() {
			if rc.Provider == "other" {
				t.Error("told about an account of another domain")
			}
		}
	}
}

func TestABounceMayComeByTLS(t *testing.T) {
	t.Parallel()
	server, client := certificate(t)
	desk := &notebook{}
	m := openMailroom(t, desk, func(b *smtpmail.Bounces) { b.TLS = server })
	c := m.enter(t)
	c.secure(client)
	c.say("EHLO mx.example", 250)
	c.bring("", m.path.Of(anAttempt, 3), gone511, 250)
	if got := desk.receipts(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	m.stop()
	if said := c.ends(); !strings.HasPrefix(said, "421 ") {
		t.Errorf("good-bye: %q", said)
	}
}

// It quotes the recipient, and may quote anything.
func TestTheLogTellsNothingOfWhatABounceSays(t *testing.T) {
	t.Parallel()
	desk := &notebook{fail: errOnceOf(1)}
	m := openMailroom(t, desk, nil)
	c := m.enter(t)
	c.bring("", m.path.Of(anAttempt, 3), gone511, 451)
	c.bring("", m.path.Of(anAttempt, 3), gone511, 250)
	c.bring("zoe@next.test", m.path.Of(anAttempt, 3), "Subject: 481516\n\n481516", 250)
	c.say("MAIL FROM:<zoe@next.test>", 250)
	c.say("RCPT TO:<zoe@next.test>", 550)
	_ = c.Close()
	m.counted(t, smtpmail.BounceRefused, 1)
	if n := strings.Count(m.said(), `"msg":"bounce"`); n != 2 {
		t.Errorf("%d lines, want one for each bounce that was taken", n)
	}
	for _, word := range []string{"zoe", "481516", "@", "bounce+"} {
		if strings.Contains(m.said(), word) {
			t.Errorf("the log has %q:\n%s", word, m.said())
		}
	}
}

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
	b := &smtpmail.Bounces{Log: openMailroom(t, &notebook{}, nil).Log}
	if err := b.Serve(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
