package smtpmail_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What follows are mistakes that a client of SMTP makes easily, some of which
// go-mail's own client makes.

func TestSendingAndClosingAtOnceDoNotWaitForEachOther(t *testing.T) {
	r := &relay{}
	p := r.start(t)
	within(t, 10*time.Second, func() {
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := p.Send(context.Background(), message()); err != nil {
					t.Errorf("Send: %v", errors.Unwrap(err))
				}
			})
			all.Go(func() { _ = p.Close() })
		}
		all.Wait()
	})
	if n := len(r.stored()); n != 50 {
		t.Errorf("the relay stored %d mails, want 50", n)
	}
}

func TestNothingThatComesAfterTheMessageMakesItAFailure(t *testing.T) {
	for _, after := range []string{"500 what", "421 4.3.2 bye", hangUp} {
		p := script{"RSET": after, "NOOP": after, "QUIT": after, ".": "250 2.0.0 Ok: queued as A1"}.start(t)
		if a := mustSend(t, p, message()); a.Ref != "A1" {
			t.Errorf("%s: got %+v", after, a)
		}
		if err := p.Close(); err != nil {
			t.Errorf("%s: %v", after, err)
		}
	}
}

func TestAConnectionLeftInAHandOverCarriesNoOther(t *testing.T) {
	for _, where := range []string{"RCPT", "."} {
		entered := make(chan struct{})
		var calls atomic.Int64
		block := func(string) error {
			if calls.Add(1) == 1 {
				close(entered)
				<-t.Context().Done()
			}
			return nil
		}
		r := &relay{onData: block}
		if where == "RCPT" {
			r = &relay{onRcpt: block}
		}
		p := r.start(t)
		ctx, cancel := context.WithCancel(t.Context())
		var sending sync.WaitGroup
		sending.Go(func() { _, _ = p.Send(ctx, message()) })
		<-entered
		cancel()
		sending.Wait()
		mustSend(t, p, message())
		if total, _ := r.listener.counts(); total != 2 {
			t.Errorf("after %s: got %d connections, want a second", where, total)
		}
	}
}

func TestAConnectionOnWhichNobodyKnowsWhatIsNextIsClosed(t *testing.T) {
	for _, command := range []string{"MAIL", "RCPT", "DATA", "."} {
		p, connections := script{command: "thank you"}.counted(t)
		for n := range 2 {
			if _, err := p.Send(t.Context(), message()); err == nil {
				t.Errorf("%s: it went well", command)
			}
			connections.drain(t, n+1)
		}
	}
}

func TestARelayThatAnnouncesNoExtensionsIsEnough(t *testing.T) {
	p := script{"EHLO": "502 what", "HELO": "250 relay.example"}.start(t)
	mustSend(t, p, message())
}

func TestWeIntroduceOurselvesByAConfiguredName(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for configured, want := range map[string]string{"worker.acme.example": "worker.acme.example", "": "acme.example"} {
		r := &relay{}
		p := r.start(t)
		p.HELO = configured
		mustSend(t, p, message())
		got := r.stored()[0]
		if got.helo != want {
			t.Errorf("EHLO %s, want %s", got.helo, want)
		}
		if strings.Contains(got.raw, "@"+host+">") || strings.Contains(strings.ToLower(got.raw), "go-mail") {
			t.Errorf("the message tells the host or the library:\n%s", got.raw)
		}
	}
}

// What comes in clear after STARTTLS was answered must not be taken for
// something said under TLS (CVE-2011-0411 is the same on the other side).
func TestWhatWasSaidBeforeTLSDoesNotCount(t *testing.T) {
	p := script{
		"EHLO":     "250-relay.example\r\n250 STARTTLS",
		"STARTTLS": "220 go ahead\r\n250-relay.example\r\n250 fine",
		"MAIL":     "250 fine",
	}.start(t)
	p.TLS = "mandatory"
	_, err := p.Send(t.Context(), message())
	if diff := cmp.Diff(ours("smtp_tls"), verdictOf(t, err)); diff != "" {
		t.Error(diff)
	}
}

func TestTheFormOfTheSenderCannotAddAHeader(t *testing.T) {
	for _, from := range []string{
		"\"Acme\r\nBcc: eve@example.org\" <codes@acme.example>", "Acme <codes@acme.example>\r\nBcc: eve@example.org",
		"=?utf-8?q?Acme=0D=0ABcc:_eve@example.org?= <codes@acme.example>",
	} {
		r := &relay{}
		p := r.start(t)
		p.From = from
		if _, err := p.Send(t.Context(), message()); err != nil {
			continue
		}
		if got := parse(t, r.stored()[0].raw); got.Header.Get("Bcc") != "" {
			t.Errorf("%q became a header: %v", from, got.Header)
		}
	}
}
