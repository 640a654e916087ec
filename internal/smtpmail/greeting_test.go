package smtpmail_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/smtpmail"
)

func TestARelayIsGreetedWithoutAMessage(t *testing.T) {
	t.Parallel()
	r := &relay{}
	p := r.start(t)
	note, err := p.Greet(t.Context())
	if err != nil || note != "" {
		t.Errorf("%q, %v", note, err)
	}
	p.Host = "0.0.0.0" // this host again, by a name that does not say so
	if note, err = p.Greet(t.Context()); err != nil || !strings.Contains(note, "without TLS") {
		t.Errorf("%q, %v", note, err)
	}
	if got := r.stored(); len(got) != 0 {
		t.Errorf("%d messages", len(got))
	}
}

func TestAGreetingSaysWhyARelayDoesNotLetUsIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says script
		tls  smtpmail.TLSPolicy
		want verdict
	}{
		"a wrong password":       {script{"EHLO": "250-relay.example\r\n250 AUTH PLAIN", "AUTH": "535 5.7.8 wrong password"}, smtpmail.TLSNone, shut("smtp_535_5.7.8")},
		"no STARTTLS":            {script{"EHLO": "250 relay.example"}, smtpmail.TLSMandatory, ours("smtp_tls")},
		"refused after the door": {script{"EHLO": "250-relay.example\r\n250 AUTH PLAIN", "AUTH": "235 2.7.0 ok", "NOOP": "530 5.7.0 go away"}, smtpmail.TLSNone, shut("smtp_530_5.7.0")},
		"a relay that hangs up":  {script{"EHLO": hangUp}, smtpmail.TLSNone, theirs("smtp_connection")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := c.says.start(t)
			p.TLS, p.Username, p.Password = c.tls, "acme", password
			_, err := p.Greet(t.Context())
			if diff := cmp.Diff(c.want, verdictOf(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAGreetingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p := provider(t, listen(t, "127.0.0.1:0").Addr()) // accepts, and never speaks
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.Greet(ctx)
	if diff := cmp.Diff(theirs("smtp_timeout"), verdictOf(t, err)); diff != "" {
		t.Error(diff)
	}
}
