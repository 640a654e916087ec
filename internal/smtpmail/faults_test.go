package smtpmail_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

// verdict is what the rest of the system sees of a fault.
type verdict struct {
	Class      otp.Class
	Code       string
	Permanent  bool
	RetryAfter time.Duration
}

func verdictOf(t *testing.T, err error) verdict {
	t.Helper()
	var f *otp.Fault
	if !errors.As(err, &f) {
		t.Fatalf("Send: got %v, want a fault", err)
	}
	if f.Provider != "smtp-test" {
		t.Errorf("provider: got %q", f.Provider)
	}
	return verdict{f.Class, f.Code, f.Permanent, f.RetryAfter}
}

var (
	gone     = func(code string) verdict { return verdict{Class: otp.FaultRecipient, Code: code, Permanent: true} }
	refused  = func(code string) verdict { return verdict{Class: otp.FaultRecipient, Code: code} }
	ours     = func(code string) verdict { return verdict{Class: otp.FaultUs, Code: code} }
	theirs   = func(code string) verdict { return verdict{Class: otp.FaultProvider, Code: code} }
	unknown  = func(code string) verdict { return verdict{Class: otp.FaultUnknown, Code: code} }
	deferred = func(code string) verdict { return verdict{Class: otp.FaultThrottled, Code: code} }
	slower   = func(code string) verdict {
		return verdict{Class: otp.FaultThrottled, Code: code, RetryAfter: 10 * time.Second}
	}
)

func TestEveryAnswerOfARelayHasItsClass(t *testing.T) {
	for _, c := range []struct {
		command, answer string
		want            verdict
	}{
		{"220", "554 5.7.1 your address is blocked", theirs("smtp_554_5.7.1")},
		{"220", "421 4.3.2 too busy", theirs("smtp_421_4.3.2")},
		{"220", hangUp, theirs("smtp_connection")},
		{"220", "hello", theirs("smtp_protocol")},
		{"220", "421 4.7.0 too many connections", deferred("smtp_421_4.7.0")},
		{"EHLO", "421 4.3.2 too busy", theirs("smtp_421_4.3.2")},
		{"EHLO", hangUp, theirs("smtp_connection")},

		{"MAIL", "550 5.7.1 not your domain", ours("smtp_550_5.7.1")},
		{"MAIL", "530 5.7.0 authentication required", ours("smtp_530_5.7.0")},
		{"MAIL", "552 too much", ours("smtp_552")},
		{"MAIL", "599 whatever", ours("smtp_5xx")},
		{"MAIL", "451 4.3.0 try again", theirs("smtp_451_4.3.0")},
		{"MAIL", "421 4.3.2 shutting down", theirs("smtp_421_4.3.2")},
		{"MAIL", "450 4.7.1 too much mail", slower("smtp_450_4.7.1")},
		{"MAIL", "421 4.7.0 too fast", slower("smtp_421_4.7.0")},
		{"MAIL", "454 Throttling failure", slower("smtp_454")},
		{"MAIL", hangUp, theirs("smtp_connection")},

		{"RCPT", "550 5.1.1 no such user", gone("smtp_550_5.1.1")},
		{"RCPT", "551 5.1.6 moved", gone("smtp_551_5.1.6")},
		{"RCPT", "553 5.1.3 bad mailbox", gone("smtp_553_5.1.3")},
		{"RCPT", "556 5.1.10 null MX", gone("smtp_556_5.1.10")},
		{"RCPT", "550 no such user", refused("smtp_550")},
		{"RCPT", "550 relay not permitted", refused("smtp_550")}, // Exim, of ourselves: no reason to suppress anybody
		{"RCPT", "551 not here", refused("smtp_551")},
		{"RCPT", "553 not in my list of rcpthosts (#5.7.1)", refused("smtp_553")}, // qmail, the same
		{"RCPT", "501 malformed address", refused("smtp_501")},
		{"RCPT", "501 5.1.3 bad address", gone("smtp_501_5.1.3")},
		{"RCPT", "501 5.5.4 bad arguments", theirs("smtp_501_5.5.4")},
		{"RCPT", "556 no mail here", refused("smtp_556")},
		{"RCPT", "550 5.2.1 disabled", refused("smtp_550_5.2.1")},
		{"RCPT", "550 5.4.1 access denied", refused("smtp_550_5.4.1")},
		{"RCPT", "550 5.1.0 sender rejected", refused("smtp_550_5.1.0")},
		{"RCPT", "550 5.1.8 sender's domain not found", ours("smtp_550_5.1.8")},
		{"RCPT", "550 5.1.7 bad sender", ours("smtp_550_5.1.7")},
		{"RCPT", "550 5.7.1 relaying denied", ours("smtp_550_5.7.1")},
		{"RCPT", "554 5.7.1 relay access denied", ours("smtp_554_5.7.1")},
		{"RCPT", "554 5.1.1 no such user", gone("smtp_554_5.1.1")},
		{"RCPT", "554 something else", theirs("smtp_554")},
		{"RCPT", "552 5.2.2 mailbox full", refused("smtp_552_5.2.2")},
		{"RCPT", "552 mailbox full", refused("smtp_552")},
		{"RCPT", "452 4.2.2 mailbox full", refused("smtp_452_4.2.2")},
		{"RCPT", "450 4.2.1 receives too much", deferred("smtp_450_4.2.1")},
		{"RCPT", "450 not now", deferred("smtp_450")},
		{"RCPT", "451 not now", deferred("smtp_451")},
		{"RCPT", "452 not now", deferred("smtp_452")},
		{"RCPT", "450 4.1.1 not verified yet", deferred("smtp_450_4.1.1")},
		{"RCPT", "450 4.1.8 sender's domain not found", ours("smtp_450_4.1.8")},
		{"RCPT", "451 4.3.0 queue file write error", theirs("smtp_451_4.3.0")},
		{"RCPT", "452 4.3.1 disk full", theirs("smtp_452_4.3.1")},
		{"RCPT", "451 4.4.3 no name server", theirs("smtp_451_4.4.3")},
		{"RCPT", "450 4.2.0 greylisted", deferred("smtp_450_4.2.0")},
		{"RCPT", "451 4.7.1 greylisted", deferred("smtp_451_4.7.1")},
		{"RCPT", "452 4.5.3 too many", deferred("smtp_452_4.5.3")},
		{"RCPT", "455 not now", theirs("smtp_455")},
		{"RCPT", "499 whatever", theirs("smtp_4xx")},
		{"RCPT", "421 4.7.0 too fast", theirs("smtp_421_4.7.0")},
		{"RCPT", hangUp, theirs("smtp_connection")},

		{"DATA", "554 5.5.1 no valid recipients", theirs("smtp_554_5.5.1")},
		{"DATA", "451 4.3.0 try again", theirs("smtp_451_4.3.0")},
		{"DATA", hangUp, theirs("smtp_connection")},

		{".", "554 5.7.1 spam", ours("smtp_554_5.7.1")},
		{".", "550 5.7.1 content rejected", ours("smtp_550_5.7.1")},
		{".", "550 5.1.1 no such user", gone("smtp_550_5.1.1")},
		{".", "550 5.1.8 bad sender", ours("smtp_550_5.1.8")},
		{".", "552 5.2.2 mailbox full", refused("smtp_552_5.2.2")},
		{".", "552 5.3.4 message too big", ours("smtp_552_5.3.4")},
		{".", "452 4.2.2 mailbox full", refused("smtp_452_4.2.2")},
		{".", "450 4.2.0 greylisted", deferred("smtp_450_4.2.0")},
		{".", "451 4.7.0 too fast", slower("smtp_451_4.7.0")},
		{".", "454 Throttling failure", slower("smtp_454")},
		{".", "451 4.3.0 queue file write error", theirs("smtp_451_4.3.0")},
		{".", "421 4.3.2 shutting down", theirs("smtp_421_4.3.2")},
		{".", hangUp, unknown("smtp_connection")},
		{".", "thank you", unknown("smtp_protocol")},
		{".", "251 forwarded", unknown("smtp_protocol")},
	} {
		t.Run(c.command+" "+c.answer, func(t *testing.T) {
			p := script{c.command: c.answer, "HELO": c.answer}.start(t)
			_, err := p.Send(t.Context(), message())
			if diff := cmp.Diff(c.want, verdictOf(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnEnhancedCodeCountsThoughTheRelayDoesNotAnnounceThem(t *testing.T) {
	p := script{"RCPT": "550 5.7.1 relaying denied"}.start(t)
	_, err := p.Send(t.Context(), message())
	if got := verdictOf(t, err); got.Class != otp.FaultUs {
		t.Errorf("got %v, want our fault: the recipient would be suppressed for nothing", got)
	}
}

func TestTheEndOfTheContextEndsTheHandOverAtAnyStep(t *testing.T) {
	for command, want := range map[string]verdict{
		"220": theirs("smtp_timeout"), "EHLO": theirs("smtp_timeout"), "MAIL": theirs("smtp_timeout"),
		"RCPT": theirs("smtp_timeout"), "DATA": theirs("smtp_timeout"), ".": unknown("smtp_timeout"),
	} {
		t.Run(command, func(t *testing.T) {
			p := script{command: silence}.start(t)
			within(t, time.Second, func() {
				if diff := cmp.Diff(want, verdictOf(t, sendFor(t, p, 100*time.Millisecond))); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestTheProvidersOwnTimeoutEndsTheHandOver(t *testing.T) {
	p := script{"MAIL": silence}.start(t)
	p.Timeout = 100 * time.Millisecond
	within(t, time.Second, func() {
		_, err := p.Send(t.Context(), message())
		if diff := cmp.Diff(theirs("smtp_timeout"), verdictOf(t, err)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTheEndOfTheContextEndsADialThatNobodyAnswers(t *testing.T) {
	p := provider(t, full(t))
	within(t, time.Second, func() {
		if diff := cmp.Diff(theirs("smtp_timeout"), verdictOf(t, sendFor(t, p, 100*time.Millisecond))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTheEndOfTheContextEndsATLSHandshake(t *testing.T) {
	p := script{"220": silence}.start(t)
	p.TLS = smtpmail.TLSImplicit
	within(t, time.Second, func() {
		if diff := cmp.Diff(theirs("smtp_timeout"), verdictOf(t, sendFor(t, p, 100*time.Millisecond))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestACanceledContextIsToldFromATimeout(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := &relay{onRcpt: func(string) error { cancel(); <-t.Context().Done(); return nil }}
	p := r.start(t)
	_, err := p.Send(ctx, message())
	if diff := cmp.Diff(theirs("smtp_canceled"), verdictOf(t, err)); diff != "" {
		t.Error(diff)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the fault does not say that it was canceled: %v", errors.Unwrap(err))
	}
}

func TestARelayThatIsNotThereIsTheProvidersFault(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	_ = l.Close()
	_, err := provider(t, l.Addr()).Send(t.Context(), message())
	if diff := cmp.Diff(theirs("smtp_connection"), verdictOf(t, err)); diff != "" {
		t.Error(diff)
	}
	p := provider(t, l.Addr())
	p.Host = "relay.invalid"
	_, err = p.Send(t.Context(), message())
	if got := verdictOf(t, err); got.Class != otp.FaultProvider {
		t.Errorf("a name that does not resolve: got %v", got)
	}
}

func TestAMessageThatTheRelayStoredButDidNotAnswerIsUnknown(t *testing.T) {
	release := make(chan struct{})
	r := &relay{onData: func(string) error { <-release; return nil }}
	p := r.start(t)
	if diff := cmp.Diff(unknown("smtp_timeout"), verdictOf(t, sendFor(t, p, 100*time.Millisecond))); diff != "" {
		t.Error(diff)
	}
	if n := len(r.stored()); n != 1 {
		t.Errorf("the relay stored %d mails, want the one", n)
	}
	close(release)
	if _, err := p.Send(t.Context(), message()); err != nil {
		t.Errorf("the next: %v", errors.Unwrap(err))
	}
}

func TestAFaultTellsNeitherAddressNorCodeNorPassword(t *testing.T) {
	words := "550 5.1.1 <ann@example.com> said 481516 " + password
	for _, command := range []string{"220", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."} {
		p := script{
			"EHLO": "250-relay.example\r\n250 AUTH PLAIN", "HELO": words, "AUTH": "235 fine", command: words,
		}.start(t)
		p.Username, p.Password = "acme", password
		_, err := p.Send(t.Context(), message())
		if !strings.Contains(fmt.Sprint(errors.Unwrap(err)), "481516") {
			t.Errorf("%s: the relay's words did not arrive, so nothing was tried: %v", command, errors.Unwrap(err))
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			for _, text := range []string{fmt.Sprintf(verb, err), fmt.Sprintf(verb, p), err.Error(), verdictOf(t, err).Code, logged(err, p, message())} {
				for _, secret := range []string{"ann", "481516", password} {
					if strings.Contains(text, secret) {
						t.Errorf("%s at %s tells %q: %s", verb, command, secret, text)
					}
				}
			}
		}
	}
	if _, err := (&smtpmail.Provider{Password: password}).MarshalJSON(); err == nil {
		t.Error("a provider can be marshalled")
	}
}

// logged is what both forms of the log make of some values.
func logged(values ...any) string {
	var out strings.Builder
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, all), slog.NewJSONHandler(&out, all)} {
		for _, v := range values {
			slog.New(h).Debug("canary", "value", v, slog.Group("group", "value", v))
		}
	}
	return out.String()
}

// sendFor sends with a deadline and returns the error.
func sendFor(t *testing.T, p *smtpmail.Provider, d time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	_, err := p.Send(ctx, message())
	return err
}

func within(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took > limit {
		t.Errorf("it took %s, want at most %s", took, limit)
	}
}

// full is the address of a listener whose queue is full: a further connection
// gets no answer at all, as behind a firewall that drops what it dislikes.
func full(t *testing.T) net.Addr {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	a := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	for range 8 {
		c, err := net.DialTimeout("tcp", a.String(), 50*time.Millisecond)
		if err != nil {
			return a
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Skip("this system does not keep the queue of a listener short")
	return nil
}
