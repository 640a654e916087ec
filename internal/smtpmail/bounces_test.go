package smtpmail_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

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
			p := b.ReturnPaths()["smtp-test"]
			other := p
			other.Domain = "bounce.other.example"
			b.ReturnPaths = only(map[string]smtpmail.ReturnPath{"one": p, "two": p, "other": other})
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
