package smtpmail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

// behind is the mail server behind a relay; wait returns the next mail it took.
func behind(t *testing.T) (r *relay, wait func() taken) {
	t.Helper()
	arrived := make(chan struct{}, 1000)
	r = &relay{onData: func(string) error { arrived <- struct{}{}; return nil }}
	r.start(t)
	n := 0
	return r, func() taken {
		select {
		case <-arrived:
		case <-time.After(20 * time.Second):
			t.Fatalf("only %d mails arrived", n)
		}
		n++
		return r.stored()[n-1]
	}
}

func TestPostfixPassesTheMessageOnAsItWasSigned(t *testing.T) {
	t.Parallel()
	next, wait := behind(t)
	server := preparePostfix(t, secured, "transport_maps = inline:{"+route("next.test", next)+"}")
	p := server.provider(t)
	p.TLS, p.TLSConfig = smtpmail.TLSMandatory, server.trust(t)
	server.start(t)
	z, one, two := zone{}, rsaKey(t), ed25519Key(t)
	z.publish(t, "r1", "acme.example", one)
	z.publish(t, "e1", "acme.example", two)
	p.DKIM = []smtpmail.DKIM{{Selector: "r1", Key: one}, {Selector: "e1", Key: two}}
	p.ReturnPath = returnPath(t, "a")
	p.From = `"أكمي · Ümläut & Söhne" <codes@acme.example>`
	m := messageTo("ann@next.test")
	m.Subject = "رمز التحقق من أكمي – Ihr Schlüssel für die Anmeldung, und dieser Betreff ist lang"
	m.Text = "رمزك 481516\n.\n..\n.quit\n" + strings.Repeat("x", 3000) + "\nKöln\n"
	m.HTML = `<p dir="rtl">رمزك <b>481516</b></p>`
	a := mustSend(t, p, m)
	first := wait()
	m.Attempt = 2
	mustSend(t, p, m)
	second := wait()

	for _, got := range []taken{first, second} {
		if diff := cmp.Diff([]string{"acme.example: pass", "acme.example: pass"}, z.verify(t, got.raw)); diff != "" {
			t.Errorf("%s\n%s", diff, got.raw)
		}
		for _, line := range strings.Split(got.raw, "\r\n") {
			if len(line) > 998 {
				t.Errorf("a line of %d octets", len(line))
			}
		}
	}
	read := parse(t, first.raw)
	if trace := read.Header.Get("Received"); !strings.Contains(trace, "from worker.acme.example ") || !strings.Contains(trace, "with ESMTPS id "+a.Ref) {
		t.Errorf("neither our name, nor TLS, nor the queue id %s: %s", a.Ref, trace)
	}
	for name, want := range map[string]string{"Subject": m.Subject, "From": `أكمي · Ümläut & Söhne <codes@acme.example>`} {
		got, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get(name))
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	if diff := cmp.Diff([]string{m.Text, m.HTML}, parts(t, read)); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"Message-Id", "Date", "X-Entity-Ref-Id", "Auto-Submitted"} {
		if one, two := read.Header[name], parse(t, second.raw).Header[name]; len(one) != 1 || !cmp.Equal(one, two) {
			t.Errorf("%s: %v and %v at two attempts of one send", name, one, two)
		}
	}
	for i, got := range []taken{first, second} {
		if o, n, ok := p.ReturnPath.Parse(got.from); !ok || o != m.Order || n != i+1 {
			t.Errorf("the bounces of attempt %d go to %s", i+1, got.from)
		}
	}
}

func parse(t *testing.T, raw string) *mail.Message {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// parts are the texts of a message of several parts.
func parts(t *testing.T, m *mail.Message) (texts []string) {
	t.Helper()
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text(t, part))
	}
}

func TestPostfixWhoseCertificateNobodyKnowsGetsNoMail(t *testing.T) {
	t.Parallel()
	server := preparePostfix(t, secured)
	server.trust(t)
	server.start(t)
	for _, policy := range []smtpmail.TLSPolicy{smtpmail.TLSMandatory, smtpmail.TLSOpportunistic} {
		p := server.provider(t)
		p.TLS = policy
		_, err := p.Send(t.Context(), messageTo("ann@people.test"))
		if diff := cmp.Diff(ours("smtp_tls"), verdictOf(t, err)); diff != "" {
			t.Errorf("%s: %s", policy, diff)
		}
	}
	server.logs(t, "lost connection after STARTTLS", 2)
	if log := server.log(); strings.Contains(log, "client=") {
		t.Errorf("a message was begun:\n%s", log)
	}
}

func TestWhatPostfixSaysHasItsClass(t *testing.T) {
	t.Parallel()
	server := startPostfix(t, `message_size_limit = 20000
smtpd_recipient_restrictions =
  check_recipient_access inline:{
    {grey@people.test=450 4.2.0 greylisted}, {full@people.test=452 4.2.2 mailbox full}, {over@people.test=552 5.2.2 over quota},
    {busy@people.test=450 4.2.1 receives too much}, {disk@people.test=452 4.3.1 disk full}, {off@people.test=550 5.2.1 disabled},
    {spam@people.test=554 5.7.1 blocked}, {drop@people.test=421 4.3.2 bye}}
  check_sender_access inline:{{down@acme.example=451 4.3.0 no map}, {nobody@acme.example=550 5.1.8 bad sender}}
  reject_unlisted_recipient
smtpd_relay_restrictions = reject_unauth_destination`)
	p := server.provider(t)
	for _, c := range []struct {
		name string
		to   string
		want verdict
	}{
		{"greylisted", "grey@people.test", deferred("smtp_450_4.2.0")},
		{"full", "full@people.test", refused("smtp_452_4.2.2")},
		{"over quota", "over@people.test", refused("smtp_552_5.2.2")},
		{"busy mailbox", "busy@people.test", deferred("smtp_450_4.2.1")},
		{"disk", "disk@people.test", theirs("smtp_452_4.3.1")},
		{"disabled", "off@people.test", refused("smtp_550_5.2.1")},
		{"policy", "spam@people.test", ours("smtp_554_5.7.1")},
		{"no such user", "eve@people.test", gone("smtp_550_5.1.1")},
		{"not our domain", "ann@elsewhere.test", ours("smtp_554_5.7.1")},
	} {
		_, err := p.Send(t.Context(), messageTo(c.to))
		if diff := cmp.Diff(c.want, verdictOf(t, err)); diff != "" {
			t.Errorf("%s: %s\n%v", c.name, diff, errors.Unwrap(err))
		}
		if said := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(said, "@") || strings.Contains(said, "people") {
			t.Errorf("%s: the fault tells the address: %s", c.name, said)
		}
		if words := fmt.Sprint(errors.Unwrap(err)); !strings.Contains(words, c.to) {
			t.Errorf("%s: Postfix does not quote the address, so nothing was tried: %s", c.name, words)
		}
	}
	big := messageTo("ann@people.test")
	big.Text = strings.Repeat("0123456789\n", 3000)
	_, err := p.Send(t.Context(), big)
	if diff := cmp.Diff(ours("smtp_552_5.3.4"), verdictOf(t, err)); diff != "" {
		t.Errorf("too big: %s", diff)
	}
	if a := mustSend(t, p, messageTo("ann@people.test")); a.Ref == "" || a.State != otp.Sent {
		t.Errorf("after all of these: got %+v", a)
	}
	if n := strings.Count(server.log(), "]: connect from"); n != 1 {
		t.Errorf("got %d connections, want all of it on one", n)
	}
	_, err = p.Send(t.Context(), messageTo("drop@people.test")) // the kept connection and its replacement
	if diff := cmp.Diff(theirs("smtp_421_4.3.2"), verdictOf(t, err)); diff != "" {
		t.Errorf("421: %s", diff)
	}
	for from, want := range map[string]verdict{"down@acme.example": theirs("smtp_451_4.3.0"), "nobody@acme.example": ours("smtp_550_5.1.8")} {
		q := server.provider(t)
		q.From = from
		_, err := q.Send(t.Context(), messageTo("ann@people.test"))
		if diff := cmp.Diff(want, verdictOf(t, err)); diff != "" {
			t.Errorf("%s: %s\n%v", from, diff, errors.Unwrap(err))
		}
	}
}

func TestABounceComesBackToItsAttemptWithoutTheCode(t *testing.T) {
	t.Parallel()
	next := &relay{onRcpt: func(string) error { return answer(550, 5, 1, 1, "no such user here") }}
	next.start(t)
	bounces, wait := behind(t)
	server := startPostfix(t, "transport_maps = inline:{"+route("next.test", next)+", "+route("bounce.acme.example", bounces)+"}")
	p := server.provider(t)
	p.ReturnPath = returnPath(t, "a")
	m := messageTo("ann@next.test")
	m.Attempt = 4
	mustSend(t, p, m)
	got := wait()
	if o, n, ok := p.ReturnPath.Parse(got.to); !ok || o != m.Order || n != 4 {
		t.Errorf("the bounce came to %s", got.to)
	}
	if got.from != "" {
		t.Errorf("the bounce has a return path of its own: %s", got.from)
	}
	if !strings.Contains(got.raw, "Status: 5.1.1") || strings.Contains(got.raw, "481516") {
		t.Errorf("a bounce says why, and does not carry the code:\n%s", got.raw)
	}
}

func TestUnderLoadEveryMessageReachesPostfixOnce(t *testing.T) {
	t.Parallel()
	next, wait := behind(t)
	server := startPostfix(t, "transport_maps = inline:{"+route("next.test", next)+"}", "local_recipient_maps = inline:{nobody=x}")
	p := server.provider(t)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 10 {
				if _, err := p.Send(context.Background(), messageTo(fmt.Sprintf("ann-%d-%d@next.test", g, i))); err != nil {
					t.Errorf("Send: %v", errors.Unwrap(err))
				}
				if _, err := p.Send(context.Background(), messageTo("gone@people.test")); !cmp.Equal(verdictOf(t, err), gone("smtp_550_5.1.1")) {
					t.Errorf("a mailbox that is not there: %v", errors.Unwrap(err))
				}
			}
		})
	}
	all.Wait()
	once := map[string]int{}
	for range 80 {
		once[wait().to]++
	}
	if len(once) != 80 {
		t.Errorf("%d people have a mail, want 80: %v", len(once), once)
	}
	if n := strings.Count(server.log(), "]: connect from"); n > 4 {
		t.Errorf("%d connections, want 4 at most", n)
	}
}
