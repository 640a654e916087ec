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
	j := newJournal(t)
	m := openMailroom(t, j.desk(), nil)
	next := &relay{onRcpt: func(to string) error {
		return map[string]error{
			"gone@next.test": answer(550, 5, 1, 1, "<gone@next.test> no such user here"),
			"no@next.test":   answer(550, 0, 0, 0, "no"),
			"grey@next.test": answer(450, 4, 2, 0, "greylisted, for ever"),
		}[to]
	}}
	next.start(t)
	server := startPostfix(t, hasty, "transport_maps = inline:{"+route("next.test", next)+", "+to("bounce.acme.example", m.addr)+"}")
	p := server.provider(t)
	p.ReturnPath = m.path
	orders := map[string]otp.Order{}
	for _, address := range []string{"gone@next.test", "no@next.test", "grey@next.test"} {
		orders[address] = j.open(address).Order
		j.hand(orders[address], address, p)
	}
	m.counted(t, smtpmail.BounceMoved, 3)
	j.pass(61 * time.Second)
	for address, want := range map[string]struct {
		reason string
		status otp.State // queued: another relay may do better
		next   otp.State // of the next send
	}{
		"gone@next.test": {"dsn_5.1.1", otp.Undelivered, otp.SendSuppressed},
		"no@next.test":   {"dsn_5.0.0", otp.Queued, otp.Queued},
		"grey@next.test": {"dsn_4.2.0", otp.Queued, otp.Queued},
	} {
		ref := j.ref(orders[address])
		j.wrote(orders[address], "sending  ", "sent "+ref+" ", "undelivered "+ref+" "+want.reason, string(want.status))
		if ref == "" || !strings.Contains(server.log(), ref) {
			t.Errorf("Postfix does not know %q", ref)
		}
		if got := j.open(address).State; got != want.next {
			t.Errorf("%s: the next send is %s, want %s", address, got, want.next)
		}
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

// TestEveryKindOfReportOfPostfixIsRead asks Postfix for more than our mails do.
// With -update it writes down what Postfix says.
func TestEveryKindOfReportOfPostfixIsRead(t *testing.T) {
	t.Parallel()
	bounces, wait := behind(t)
	next := &relay{onRcpt: func(to string) error {
		return map[string]error{
			"gone@next.test": answer(550, 5, 1, 1, "<gone@next.test> no such user here"),
			"grey@next.test": answer(450, 4, 2, 0, "greylisted"),
		}[to]
	}}
	next.start(t)
	server := house(t, hasty, "maximal_queue_lifetime = 3s", "delay_warning_time = 1s",
		"transport_maps = inline:{"+route("next.test", next)+", "+route("bounce.acme.example", bounces)+"}")
	server.start(t)
	cases := []struct {
		name, address, notify string
		want                  smtpmail.Report
	}{
		{"postfix-gone", "gone@next.test", "FAILURE", smtpmail.Report{Action: "failed", Status: "5.1.1"}},
		{"postfix-expired", "grey@next.test", "FAILURE", smtpmail.Report{Action: "failed", Status: "4.2.0"}},
		{"postfix-delayed", "grey@next.test", "DELAY", smtpmail.Report{Action: "delayed", Status: "4.2.0"}},
		{"postfix-delivered", "ann@box.test", "SUCCESS", smtpmail.Report{Action: "delivered", Status: "2.0.0"}},
		{"postfix-relayed", "ann@next.test", "SUCCESS", smtpmail.Report{Action: "relayed", Status: "2.0.0"}},
	}
	path := returnPath(t, "a")
	for i, c := range cases {
		server.accept(t, path.Of(anAttempt, i+1), c.address, c.notify)
	}
	for range cases {
		got := wait()
		_, attempt, _ := path.Parse(got.to)
		c, text := cases[attempt-1], strings.ReplaceAll(got.raw, "\r\n", "\n")
		if r := mustRead(t, text); r != c.want {
			t.Errorf("%s: %+v, want %+v\n%s", c.name, r, c.want, text)
		}
		if *update {
			if err := os.WriteFile("testdata/dsn/"+c.name+".eml", []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
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
