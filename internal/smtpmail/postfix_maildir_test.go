package smtpmail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/smtpmail"
)

// housed are the settings of one that keeps the mail for ann@box.test in a
// directory, as a mailbox server does. The directory is mailbox.
const housed = `
virtual_mailbox_domains = box.test
virtual_mailbox_base = $config_directory/../mail
virtual_mailbox_maps = inline:{ann@box.test=ann/}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534`

const mailman = "virtual unix - n n - - virtual\n"

// house prepares a Postfix with a mailbox.
func house(t *testing.T, more ...string) *postfix {
	t.Helper()
	p := preparePostfix(t, append(more, housed)...)
	p.run(t, "sh", "-c", fmt.Sprintf("printf %q >> %s/etc/master.cf", mailman, p.dir))
	p.run(t, "mkdir", p.dir+"/mail")
	p.run(t, "chown", "65534:65534", p.dir+"/mail")
	return p
}

// mailbox waits for n mails and returns all that are in the mailbox, with the
// line ends that they travelled with.
func (p *postfix) mailbox(t *testing.T, n int) (mails []string) {
	t.Helper()
	p.logs(t, "delivered to maildir", n)
	names, err := asRoot("find", p.dir+"/mail/ann/new", "-type", "f").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(names)) {
		text, err := asRoot("cat", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, strings.ReplaceAll(string(text), "\n", "\r\n"))
	}
	return mails
}

func TestAMailboxHoldsWhatWasWrittenAndWhereItsBounceWouldGo(t *testing.T) {
	t.Parallel()
	server := house(t)
	server.start(t)
	p := server.provider(t)
	z, one, two := zone{}, rsaKey(t), ed25519Key(t)
	z.publish(t, "r1", "acme.example", one)
	z.publish(t, "e1", "acme.example", two)
	p.DKIM = []smtpmail.DKIM{{Selector: "r1", Key: one}, {Selector: "e1", Key: two}}
	p.ReturnPath = returnPath(t, "a")
	m := messageTo("ann@box.test")
	m.Attempt = 3
	m.Text = ".\n..\nrequested: رمزك 481516\n" + strings.Repeat("ü", 2000) + "\n.\n"
	m.HTML = `<p dir="rtl">رمزك <b>481516</b></p>`
	mustSend(t, p, m)

	mails := server.mailbox(t, 1)
	if len(mails) != 1 {
		t.Fatalf("the mailbox has %d mails", len(mails))
	}
	if diff := cmp.Diff([]string{"acme.example: pass", "acme.example: pass"}, z.verify(t, mails[0])); diff != "" {
		t.Errorf("%s\n%s", diff, mails[0])
	}
	got := parse(t, mails[0])
	if diff := cmp.Diff([]string{m.Text, m.HTML}, parts(t, got)); diff != "" {
		t.Error(diff)
	}
	back := strings.Trim(got.Header.Get("Return-Path"), "<>")
	if o, n, ok := p.ReturnPath.Parse(back); !ok || o != m.Order || n != 3 {
		t.Errorf("a bounce would go to %q", back)
	}
	for name, want := range map[string]int{"Auto-Submitted": 1, "Message-Id": 1, "Date": 1, "List-Unsubscribe": 0, "Precedence": 0, "User-Agent": 0, "X-Mailer": 0} {
		if n := len(got.Header[name]); n != want {
			t.Errorf("%s: %d of them, want %d", name, n, want)
		}
	}
}

// Servers differ in what they take for the end of a message; a text must hold none
// of it, or it could bring an envelope of its own.
func TestNoTextEndsAMessageAndBeginsAnother(t *testing.T) {
	t.Parallel()
	server := house(t)
	server.start(t)
	p := server.provider(t)
	const second = "MAIL FROM:<codes@acme.example>%[1]sRCPT TO:<ann@box.test>%[1]sDATA%[1]sSubject: a second%[1]s%[1]sone%[1]s.%[1]s"
	ends := []string{"\r\n.\r\n", "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\n"}
	for _, end := range ends {
		m := messageTo("ann@box.test")
		m.Text = "first" + end + fmt.Sprintf(second, strings.ReplaceAll(end, ".", ""))
		m.HTML = m.Text
		mustSend(t, p, m)
	}
	mustSend(t, p, messageTo("ann@box.test")) // and nothing of it is waiting to be read as commands
	server.mailbox(t, len(ends)+1)
	if n := strings.Count(server.log(), ": removed"); n > len(ends)+1 {
		t.Errorf("postfix took %d mails for %d", n, len(ends)+1)
	}
	if mails := server.mailbox(t, len(ends)+1); len(mails) != len(ends)+1 {
		t.Errorf("the mailbox has %d mails, want %d", len(mails), len(ends)+1)
	}
}
