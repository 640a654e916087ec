package smtpmail_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/smtpmail"
)

func TestMandatoryTLSRefusesARelayWithoutIt(t *testing.T) {
	r := &relay{}
	p := r.start(t)
	for _, policy := range []smtpmail.TLSPolicy{"", smtpmail.TLSMandatory, "of a later version"} {
		p.TLS = policy
		_, err := p.Send(t.Context(), message())
		if diff := cmp.Diff(ours("smtp_tls"), verdictOf(t, err)); diff != "" {
			t.Errorf("%q: %s", policy, diff)
		}
	}
	if n := len(r.stored()); n != 0 {
		t.Errorf("%d mails were sent in clear", n)
	}
}

func TestMailTravelsUnderTLSWhereverTheRelayOffersIt(t *testing.T) {
	server, client := certificate(t)
	for policy, implicit := range map[smtpmail.TLSPolicy]bool{
		smtpmail.TLSMandatory: false, smtpmail.TLSOpportunistic: false, smtpmail.TLSImplicit: true,
	} {
		r := &relay{tls: server, implicit: implicit, password: password}
		p := r.start(t)
		p.TLS, p.TLSConfig = policy, client
		p.Username, p.Password = "acme", password
		mustSend(t, p, message())
		if !r.stored()[0].tls {
			t.Errorf("%s: the mail was sent in clear", policy)
		}
	}
}

func TestOpportunisticTLSMakesDoWithoutIt(t *testing.T) {
	r := &relay{}
	p := r.start(t)
	p.TLS = smtpmail.TLSOpportunistic
	mustSend(t, p, message())
}

func TestACertificateThatIsNotTrustedIsOurFault(t *testing.T) {
	server, _ := certificate(t)
	for policy, implicit := range map[smtpmail.TLSPolicy]bool{
		smtpmail.TLSMandatory: false, smtpmail.TLSOpportunistic: false, smtpmail.TLSImplicit: true,
	} {
		r := &relay{tls: server, implicit: implicit}
		p := r.start(t)
		p.TLS = policy
		_, err := p.Send(t.Context(), message())
		if diff := cmp.Diff(ours("smtp_tls"), verdictOf(t, err)); diff != "" {
			t.Errorf("%s: %s", policy, diff)
		}
		if n := len(r.stored()); n != 0 {
			t.Errorf("%s: %d mails were sent", policy, n)
		}
	}
}

func TestImplicitTLSSpeaksTLSFromTheFirstByte(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	first := make(chan byte, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b := make([]byte, 1)
		_, _ = io.ReadFull(c, b)
		first <- b[0]
		_, _ = io.WriteString(c, "220 relay.example ESMTP\r\n")
		_ = c.Close()
	}()
	p := provider(t, l.Addr())
	p.TLS = smtpmail.TLSImplicit
	_, err := p.Send(t.Context(), message())
	const handshake = 0x16 // RFC 8446 §5.1
	if b := <-first; b != handshake {
		t.Errorf("the first byte is %#x, want %#x", b, handshake)
	}
	if diff := cmp.Diff(ours("smtp_tls"), verdictOf(t, err)); diff != "" {
		t.Error(diff)
	}
}

func TestARefusalToStartTLSIsOursUnlessItPasses(t *testing.T) {
	for answer, want := range map[string]verdict{
		"454 4.7.0 TLS not available": theirs("smtp_454_4.7.0"), // RFC 3207 §4: "due to temporary reason"
		"502 5.5.1 not implemented":   ours("smtp_502_5.5.1"),
		"421 4.3.2 bye":               theirs("smtp_421_4.3.2"),
		hangUp:                        theirs("smtp_connection"),
	} {
		p := script{"EHLO": "250-relay.example\r\n250 STARTTLS", "STARTTLS": answer}.start(t)
		p.TLS = smtpmail.TLSMandatory
		_, err := p.Send(t.Context(), message())
		if diff := cmp.Diff(want, verdictOf(t, err)); diff != "" {
			t.Errorf("%s: %s", answer, diff)
		}
	}
}

// shut is the verdict on a relay that does not let us in: somebody must act.
func shut(code string) verdict {
	v := ours(code)
	v.RetryAfter = 5 * time.Minute
	return v
}

func TestAnAuthenticationThatFailsIsOursUnlessTheRelayCannotCheckIt(t *testing.T) {
	const plain, login = "250-relay.example\r\n250 AUTH PLAIN", "250-relay.example\r\n250 AUTH LOGIN"
	for _, c := range []struct {
		ehlo, auth string
		want       verdict
	}{
		{plain, "535 5.7.8 wrong password", shut("smtp_535_5.7.8")},
		{plain, "530 5.7.0 STARTTLS first", shut("smtp_530_5.7.0")},
		{plain, "454 4.7.0 temporary failure", theirs("smtp_454_4.7.0")},   // RFC 4954 §6: of the server
		{login, "432 4.7.12 password transition", shut("smtp_432_4.7.12")}, // the same: a person must act
		{login, "535 5.7.8 wrong password", shut("smtp_535_5.7.8")},
		{"250-relay.example\r\n250 AUTH GSSAPI", "", shut("smtp_auth")},
		{"250 relay.example", "", shut("smtp_auth")},
		{plain, "421 4.3.2 bye", theirs("smtp_421_4.3.2")},
		{plain, hangUp, theirs("smtp_connection")},
	} {
		p := script{"EHLO": c.ehlo, "AUTH": c.auth}.start(t)
		p.Username, p.Password = "acme", password
		_, err := p.Send(t.Context(), message())
		if diff := cmp.Diff(c.want, verdictOf(t, err)); diff != "" {
			t.Errorf("%s: %s", c.auth, diff)
		}
	}
}

func TestThePasswordIsNotSentInClearToAnotherHost(t *testing.T) {
	heard := make(chan []byte, 1)
	l, err := net.Listen("tcp", "127.0.0.2:0") // not one of the names of this host
	if err != nil {
		t.Skip("no second loopback address")
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		var all bytes.Buffer
		_, _ = io.WriteString(c, "220 relay\r\n250-relay\r\n250 AUTH PLAIN LOGIN\r\n501 no\r\n221 bye\r\n")
		_, _ = io.Copy(&all, c)
		heard <- all.Bytes()
	}()
	p := provider(t, l.Addr())
	p.Username, p.Password = "acme", password
	_, err = p.Send(t.Context(), message())
	if diff := cmp.Diff(shut("smtp_auth"), verdictOf(t, err)); diff != "" {
		t.Error(diff, errors.Unwrap(err))
	}
	if b := <-heard; bytes.Contains(b, []byte("AUTH")) {
		t.Errorf("the relay heard %q", b)
	}
}
