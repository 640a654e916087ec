package smtpmail_test

import (
	"flag"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

var update = flag.Bool("update", false, "write what Postfix says to testdata")

// hasty are the settings of a relay that gives up as soon as the code is dead,
// which is here a second.
const hasty = `
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
maximal_queue_lifetime = 1s
bounce_queue_lifetime = 1m`

// to is a row of transport_maps.
func to(domain string, a net.Addr) string {
	return "{" + domain + "=smtp:[127.0.0.1]:" + strconv.Itoa(a.(*net.TCPAddr).Port) + "}"
}

// TestAMailThatARelayTookAndCouldNotDeliverIsUndelivered goes the whole way: our
// mail to Postfix, on to a server that refuses it, and Postfix's report back to us.
func TestAMailThatARelayTookAndCouldNotDeliverIsUndelivered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer error
		want   string
		status otp.State // queued: another relay may do better
		next   otp.State // of the next send
	}{
		"no such mailbox": {answer(550, 5, 1, 1, "<ann@next.test> no such user here"), "dsn_5.1.1", otp.Undelivered, otp.SendSuppressed},
		"only a 550":      {answer(550, 0, 0, 0, "no"), "dsn_5.0.0", otp.Queued, otp.Queued},
		"greylisted":      {answer(450, 4, 2, 0, "greylisted, for ever"), "dsn_4.2.0", otp.Queued, otp.Queued},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJournal(t)
			m := openMailroom(t, j.desk(), nil)
			next := &relay{onRcpt: func(string) error { return c.answer }}
			next.start(t)
			server := startPostfix(t, hasty, "transport_maps = inline:{"+route("next.test", next)+", "+to("bounce.acme.example", m.addr)+"}")
			p := server.provider(t)
			p.ReturnPath = m.path
			o := j.open("ann@next.test").Order
			j.hand(o, "ann@next.test", p)
			m.counted(t, smtpmail.BounceMoved, 1)
			ref := j.ref(o)
			j.wrote(o, "sending  ", "sent "+ref+" ", "undelivered "+ref+" "+c.want, string(c.status))
			if ref == "" || !strings.Contains(server.log(), ref) {
				t.Errorf("Postfix does not know %q", ref)
			}
			j.pass(61 * time.Second)
			if got := j.open("ann@next.test").State; got != c.next {
				t.Errorf("the next send is %s, want %s", got, c.next)
			}
		})
	}
}

// ref is the relay's name for the message of a send.
func (j *journal) ref(o otp.Order) string {
	j.t.Helper()
	h, err := j.Find(j.t.Context(), o.ID)
	if err != nil {
		j.t.Fatal(err)
	}
	return h.Sends[o.Send-1].Attempts[0].Ref
}

// The relay keeps a bounce for as long as nobody takes it.
func TestABounceThatMeetsAStoreThatIsDownComesAgain(t *testing.T) {
	t.Parallel()
	desk := &notebook{fail: errOnceOf(1)}
	m := openMailroom(t, desk, nil)
	next := &relay{onRcpt: func(string) error { return answer(550, 5, 1, 1, "no such user") }}
	next.start(t)
	server := startPostfix(t, hasty, "transport_maps = inline:{"+route("next.test", next)+", "+to("bounce.acme.example", m.addr)+"}")
	p := server.provider(t)
	p.ReturnPath = m.path
	mustSend(t, p, messageTo("ann@next.test"))
	m.counted(t, smtpmail.BounceDeferred, 1)
	m.counted(t, smtpmail.BounceMoved, 1)
}

// TestAnAskedForReportOfPostfixIsRead asks Postfix for what our mails do not ask
// for. With -update it writes down what Postfix says.
func TestAnAskedForReportOfPostfixIsRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		address, notify string
		refuse          error
		want            smtpmail.Report
	}{
		"postfix-gone":      {"ann@next.test", "FAILURE", answer(550, 5, 1, 1, "<ann@next.test> no such user here"), smtpmail.Report{Action: "failed", Status: "5.1.1"}},
		"postfix-expired":   {"ann@next.test", "FAILURE", answer(450, 4, 2, 0, "greylisted"), smtpmail.Report{Action: "failed", Status: "4.2.0"}},
		"postfix-delivered": {"ann@box.test", "SUCCESS", nil, smtpmail.Report{Action: "delivered", Status: "2.0.0"}},
		"postfix-relayed":   {"ann@next.test", "SUCCESS", nil, smtpmail.Report{Action: "relayed", Status: "2.0.0"}},
		"postfix-delayed":   {"ann@next.test", "DELAY", answer(450, 4, 2, 0, "greylisted"), smtpmail.Report{Action: "delayed", Status: "4.2.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bounces, wait := behind(t)
			next := &relay{onRcpt: func(string) error { return c.refuse }}
			next.start(t)
			settings := []string{"transport_maps = inline:{" + route("next.test", next) + ", " + route("bounce.acme.example", bounces) + "}"}
			if name == "postfix-delayed" {
				settings = append(settings, "queue_run_delay = 1s", "minimal_backoff_time = 1s", "delay_warning_time = 1s")
			} else {
				settings = append(settings, hasty)
			}
			server := house(t, settings...)
			server.start(t)
			server.accept(t, returnPath(t, "a").Of(anAttempt, 3), c.address, c.notify)
			got := wait()
			if r := mustRead(t, strings.ReplaceAll(got.raw, "\r\n", "\n")); r != c.want {
				t.Errorf("%+v, want %+v\n%s", r, c.want, got.raw)
			}
			if *update {
				text := strings.ReplaceAll(got.raw, "\r\n", "\n")
				if err := os.WriteFile("testdata/dsn/"+name+".eml", []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// accept hands Postfix a mail with a NOTIFY parameter (RFC 3461).
func (p *postfix) accept(t *testing.T, from, to, notify string) {
	t.Helper()
	conn, err := textproto.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)))
	if err != nil {
		t.Fatal(err)
	}
	c := &client{Conn: conn, t: t}
	defer func() { _ = c.Close() }()
	c.hear(220)
	c.say("EHLO worker.acme.example", 250)
	c.say("MAIL FROM:<"+from+"> RET=HDRS", 250)
	c.say("RCPT TO:<"+to+"> NOTIFY="+notify, 250)
	c.say("DATA", 354)
	c.say("From: codes@acme.example\r\nSubject: Your code\r\n\r\nhello\r\n.", 250)
	c.say("QUIT", 221)
}
