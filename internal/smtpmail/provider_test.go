package smtpmail_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

const password = "correct-horse"

func message() otp.Message { return messageTo("ann@example.com") }

func messageTo(address string) otp.Message {
	return otp.Message{
		Order: otp.Order{ID: "VE0011223344556677889900aabbccddee", Send: 2}, Attempt: 1,
		To:      otp.NewRecipient(otp.Email, address, address, "a•••@e•••.com"),
		Subject: "Your code", Text: "Your code is 481516.\n.\nIt dies in 5 minutes.\n",
		Left: 5 * time.Minute, At: time.Date(2026, 11, 22, 9, 30, 0, 0, time.FixedZone("CET", 3600)),
	}
}

func mustSend(t *testing.T, p *smtpmail.Provider, m otp.Message) otp.Acceptance {
	t.Helper()
	a, err := p.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("Send: %v: %v", err, errors.Unwrap(err))
	}
	return a
}

func TestAMessageThatTheRelayTakesIsSent(t *testing.T) {
	r := &relay{onData: func(string) error { return answer(250, 2, 0, 0, "Ok: queued as 5558DA1") }}
	p := r.start(t)
	if diff := cmp.Diff(otp.Acceptance{Ref: "5558DA1", State: otp.Sent}, mustSend(t, p, message())); diff != "" {
		t.Error(diff)
	}
	got := r.stored()[0]
	if got.from != "codes@acme.example" || got.to != "ann@example.com" {
		t.Errorf("envelope: got %s to %s", got.from, got.to)
	}
	if p.Name() != "smtp-test" {
		t.Errorf("name: got %q", p.Name())
	}
}

func TestTheQueueIDIsFoundInTheAnswersThatHaveOne(t *testing.T) {
	long := strings.Repeat("a1", 40)
	for text, want := range map[string]string{
		"2.0.0 Ok: queued as 4XyZ12345bz9":         "4XyZ12345bz9", // Postfix
		"Ok: queued as aB-c_d.1":                   "aB-c_d.1",
		"OK id=1tAbCd-000000001ab-0xyz":            "1tAbCd-000000001ab-0xyz",               // Exim
		"Ok 0102018f7a1b2c3d-4e5f6071-0000-000000": "0102018f7a1b2c3d-4e5f6071-0000-000000", // SES
		"2.0.0 OK  1732267800 a1-2b3c4d5e - gsmtp": "1732267800",                            // Gmail
		"2.0.0 OK: queued":                         "",
		"OK queued":                                "",
		"2.0.0 Ok: queued as <ann@example.com>":    "",
		"Ok: queued as " + long:                    "",
		"Ok " + long:                               "",
		"":                                         "",
	} {
		p := script{".": "250 " + text}.start(t)
		if got := mustSend(t, p, message()).Ref; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestManyMessagesTravelOnOneConnection(t *testing.T) {
	r := &relay{}
	p := r.start(t)
	for range 100 {
		mustSend(t, p, message())
	}
	if total, _ := r.listener.counts(); total != 1 {
		t.Errorf("100 messages took %d connections, want 1", total)
	}
	mustSend(t, p, message())
	if total, _ := r.listener.counts(); total != 2 {
		t.Errorf("the 101st message: %d connections, want a second", total)
	}
}

func TestARefusedMessageLeavesTheConnectionUsable(t *testing.T) {
	r := &relay{
		onMail: errOnce(1, answer(550, 5, 7, 1, "no")),
		onRcpt: errOnce(1, answer(550, 5, 1, 1, "no")),
		onData: errOnce(1, answer(554, 5, 7, 1, "no")),
	}
	p := r.start(t)
	for range 3 {
		if _, err := p.Send(t.Context(), message()); err == nil {
			t.Fatal("the relay refused, and Send did not notice")
		}
	}
	mustSend(t, p, message())
	if total, _ := r.listener.counts(); total != 1 {
		t.Errorf("got %d connections, want 1", total)
	}
}

func TestNoMoreConnectionsAreOpenThanAllowed(t *testing.T) {
	r := &relay{}
	p := r.start(t)
	p.Connections = 3
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, err := p.Send(t.Context(), message()); err != nil {
				t.Errorf("Send: %v", errors.Unwrap(err))
			}
		})
	}
	all.Wait()
	if _, most := r.listener.counts(); most > 3 {
		t.Errorf("%d connections were open at once, want at most 3", most)
	}
	if n := len(r.stored()); n != 100 {
		t.Errorf("the relay stored %d mails, want 100", n)
	}
}

func TestWaitingForAConnectionEndsWithTheContext(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	r := &relay{onData: func(string) error { close(entered); <-release; return nil }}
	p := r.start(t)
	p.Connections = 1
	var first sync.WaitGroup
	first.Go(func() { mustSend(t, p, message()) })
	<-entered
	if diff := cmp.Diff(theirs("smtp_busy"), verdictOf(t, sendFor(t, p, 50*time.Millisecond))); diff != "" {
		t.Error(diff)
	}
	close(release)
	first.Wait()
}

func TestAConnectionThatTheRelayClosedIsReplacedInSilence(t *testing.T) {
	r := &relay{idle: 50 * time.Millisecond}
	p := r.start(t)
	for want := 1; want <= 3; want++ {
		mustSend(t, p, message())
		r.listener.drain(t, want)
		if total, _ := r.listener.counts(); total != want {
			t.Errorf("got %d connections, want %d", total, want)
		}
	}
}

func TestA421OnAKeptConnectionIsAnsweredByANewOne(t *testing.T) {
	for name, r := range map[string]*relay{
		"MAIL": {onMail: errOnce(2, answer(421, 4, 3, 2, "shutting down"))},
		"RCPT": {onRcpt: errOnce(2, answer(421, 4, 3, 2, "shutting down"))},
	} {
		t.Run(name, func(t *testing.T) {
			p := r.start(t)
			mustSend(t, p, message())
			mustSend(t, p, message())
			if total, _ := r.listener.counts(); total != 2 {
				t.Errorf("got %d connections, want 2", total)
			}
		})
	}
}

func TestA421AfterTheMessageIsNotSentAgain(t *testing.T) {
	r := &relay{onData: errOnce(2, answer(421, 4, 3, 2, "shutting down"))}
	p := r.start(t)
	mustSend(t, p, message())
	_, err := p.Send(t.Context(), message())
	if diff := cmp.Diff(theirs("smtp_421_4.3.2"), verdictOf(t, err)); diff != "" {
		t.Error(diff)
	}
	if n := len(r.stored()); n != 2 {
		t.Errorf("the relay saw %d mails, want 2", n)
	}
	mustSend(t, p, message())
	if total, _ := r.listener.counts(); total != 2 {
		t.Errorf("got %d connections, want a new one after the 421", total)
	}
}

func TestASecondDeadConnectionIsAFault(t *testing.T) {
	var mails atomic.Int64
	r := &relay{onMail: func(string) error {
		if mails.Add(1) == 1 {
			return nil
		}
		return answer(421, 4, 3, 2, "shutting down")
	}}
	p := r.start(t)
	mustSend(t, p, message())
	_, err := p.Send(t.Context(), message())
	if diff := cmp.Diff(theirs("smtp_421_4.3.2"), verdictOf(t, err)); diff != "" {
		t.Error(diff)
	}
	if total, _ := r.listener.counts(); total != 2 {
		t.Errorf("got %d connections, want one redial only", total)
	}
}

func TestAnUnusedConnectionIsClosed(t *testing.T) {
	r := &relay{}
	p := r.start(t)
	p.IdleTime = 20 * time.Millisecond
	mustSend(t, p, message())
	r.listener.drain(t, 1)
	mustSend(t, p, message())
	if total, _ := r.listener.counts(); total != 2 {
		t.Errorf("got %d connections, want 2", total)
	}
}

func TestCloseLeavesNoConnectionBehind(t *testing.T) {
	r := &relay{}
	p := r.start(t)
	mustSend(t, p, message())
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	r.listener.drain(t, 1)
	mustSend(t, p, message())
	r.listener.drain(t, 2)
}

func TestFailedHandOversLeakNeitherFilesNorGoroutines(t *testing.T) {
	server, client := certificate(t)
	for name, r := range map[string]*relay{
		"wrong password": {password: "another", tls: server},
		"no STARTTLS":    {},
		"no AUTH":        {tls: server},
		"421 at MAIL":    {tls: server, password: password, onMail: func(string) error { return answer(421, 4, 3, 2, "bye") }},
	} {
		t.Run(name, func(t *testing.T) {
			p := r.start(t)
			p.TLS, p.TLSConfig = smtpmail.TLSMandatory, client
			p.Username, p.Password = "acme", password
			dials := 0
			fail := func() {
				if _, err := p.Send(t.Context(), message()); err == nil {
					t.Fatal("it went well")
				}
				dials++
				r.listener.drain(t, dials)
			}
			fail()                                           // what is opened once stays open
			defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collected socket is closed: that would hide a leak
			goroutines, files := goleak.IgnoreCurrent(), openFiles(t)
			for range 100 {
				fail()
			}
			if n := openFiles(t); n > files+2 {
				t.Errorf("%d files were open before, %d are after", files, n)
			}
			goleak.VerifyNone(t, goroutines)
		})
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here")
	}
	return len(entries)
}

func TestEveryMessageOfManyGoroutinesIsAccountedFor(t *testing.T) {
	r := &relay{onRcpt: func(to string) error {
		if strings.HasPrefix(to, "gone") {
			return answer(550, 5, 1, 1, "no such user")
		}
		return nil
	}}
	p := r.start(t)
	var all sync.WaitGroup
	var sent, gone atomic.Int64
	for g := range 16 {
		all.Go(func() {
			for i := range 50 {
				name := "ann"
				if i%10 == 0 {
					name = "gone"
				}
				_, err := p.Send(context.Background(), messageTo(fmt.Sprintf("%s-%d-%d@example.com", name, g, i)))
				f, _ := errors.AsType[*otp.Fault](err)
				switch {
				case err == nil && name == "ann":
					sent.Add(1)
				case name == "gone" && f != nil && f.Class == otp.FaultRecipient && f.Permanent:
					gone.Add(1)
				default:
					t.Errorf("%s: got %v", name, err)
				}
			}
		})
	}
	all.Wait()
	once := map[string]int{}
	for _, m := range r.stored() {
		once[m.to]++
	}
	if sent.Load() != 720 || gone.Load() != 80 || len(once) != 720 || len(r.stored()) != 720 {
		t.Errorf("%d sent, %d gone, %d stored for %d people; want 720, 80, 720, 720", sent.Load(), gone.Load(), len(r.stored()), len(once))
	}
}
