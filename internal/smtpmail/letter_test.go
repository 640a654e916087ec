package smtpmail_test

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestTheHeadersAreThoseOfAnAutomaticMessage(t *testing.T) {
	got := received(t, message())
	want := map[string]string{
		"From":                     `"Acme Codes" <codes@acme.example>`,
		"To":                       "<ann@example.com>",
		"Subject":                  "Your code",
		"Message-Id":               "<otp.VE0011223344556677889900aabbccddee.2@acme.example>",
		"Date":                     "Sun, 22 Nov 2026 08:30:00 +0000",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"X-Entity-Ref-Id":          "VE0011223344556677889900aabbccddee.2",
		"Mime-Version":             "1.0",

		"Content-Type":              "text/plain; charset=UTF-8",
		"Content-Transfer-Encoding": "quoted-printable",
	}
	headers := map[string]string{}
	for name, values := range got.Header {
		headers[name] = strings.Join(values, " | ")
	}
	if diff := cmp.Diff(want, headers); diff != "" {
		t.Error(diff)
	}
}

func TestMessageIDAndDateAreTheSameForEveryAttemptOfASend(t *testing.T) {
	first, again, resent := message(), message(), message()
	again.Attempt, again.Left = 2, 1
	resent.Order.Send = 3
	a, b, c := received(t, first).Header, received(t, again).Header, received(t, resent).Header
	if a.Get("Message-ID") != b.Get("Message-ID") || a.Get("Date") != b.Get("Date") {
		t.Errorf("two attempts differ: %v, %v", a, b)
	}
	if a.Get("Message-ID") == c.Get("Message-ID") {
		t.Errorf("two sends share %s: a mailbox would drop the second", c.Get("Message-ID"))
	}
}

func TestTheTextArrivesAsItWasWritten(t *testing.T) {
	got := received(t, message())
	if diff := cmp.Diff("Your code is 481516.\n.\nIt dies in 5 minutes.\n", text(t, got.Body)); diff != "" {
		t.Error(diff)
	}
}

func TestTheTextComesBeforeTheHTML(t *testing.T) {
	m := message()
	m.Text, m.HTML = "Ihr Schlüssel", "<p>Ihr Schlüssel</p>"
	got := received(t, m)
	kind, params, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type: got %s, %v", kind, err)
	}
	parts := multipart.NewReader(got.Body, params["boundary"])
	for _, want := range [][2]string{{"text/plain; charset=UTF-8", m.Text}, {"text/html; charset=UTF-8", m.HTML}} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, [2]string{part.Header.Get("Content-Type"), text(t, part)}); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Errorf("more parts: %v", err)
	}
}

func TestALineBreakInTheSubjectInjectsNothing(t *testing.T) {
	m := message()
	m.Subject = "Code\r\nBcc: eve@example.org\r\n\r\nhello\x00 ü"
	got := received(t, m)
	if got.Header.Get("Bcc") != "" || strings.Contains(text(t, got.Body), "hello") {
		t.Errorf("the subject became a header or a body: %v", got.Header)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil || subject != m.Subject {
		t.Errorf("subject: got %q, %v", subject, err)
	}
}

func TestOnlyAPlainMailboxIsARecipient(t *testing.T) {
	r := &relay{utf8: true}
	p := r.start(t)
	for _, address := range []string{
		"", "ann", "+491701234567", "ann@example.com\r\nRCPT TO:<eve@example.org>", "ann@example.com\r\n DATA",
		"ann@example.com\x00", "ann@example.com, eve@example.org", "Ann <ann@example.com>", "<ann@example.com>",
		"ann@example.com (Ann)", "ann@bücher.example", `"ann eve"@example.com`, " ann@example.com", "ann@example.com>",
	} {
		_, err := p.Send(t.Context(), messageTo(address))
		if err == nil {
			t.Errorf("%q was taken", address)
			continue
		}
		if diff := cmp.Diff(refused("smtp_address"), verdictOf(t, err)); diff != "" {
			t.Errorf("%q: %s", address, diff)
		}
	}
	if total, _ := r.listener.counts(); total != 0 {
		t.Errorf("the relay heard of it on %d connections", total)
	}
}

func TestASenderThatIsNoMailboxIsOurFault(t *testing.T) {
	p := (&relay{}).start(t)
	for _, from := range []string{"", "Acme", "codes@bücher.example", "a@acme.example, b@acme.example"} {
		p.From = from
		_, err := p.Send(t.Context(), message())
		if diff := cmp.Diff(ours("smtp_sender"), verdictOf(t, err)); diff != "" {
			t.Errorf("%q: %s", from, diff)
		}
	}
}

func TestSMTPUTF8IsAskedForOnlyWhereAnAddressNeedsIt(t *testing.T) {
	r := &relay{utf8: true}
	p := r.start(t)
	for _, address := range []string{"ann@example.com", "änn@example.com", "ann@example.com"} {
		mustSend(t, p, messageTo(address))
	}
	var asked []bool
	for _, m := range r.stored() {
		asked = append(asked, m.utf8)
	}
	if diff := cmp.Diff([]bool{false, true, false}, asked); diff != "" {
		t.Error(diff)
	}
	if total, _ := r.listener.counts(); total != 1 {
		t.Errorf("got %d connections, want 1", total)
	}
}

func TestARelayWithoutSMTPUTF8IsNotTheRecipientsFault(t *testing.T) {
	r := &relay{}
	p := r.start(t)
	_, err := p.Send(t.Context(), messageTo("änn@example.com"))
	if diff := cmp.Diff(ours("smtp_utf8"), verdictOf(t, err)); diff != "" {
		t.Error(diff)
	}
	mustSend(t, p, message())
	if total, _ := r.listener.counts(); total != 1 {
		t.Errorf("got %d connections, want 1", total)
	}
}

// received is what a relay sees of a message.
func received(t *testing.T, m otp.Message) *mail.Message {
	t.Helper()
	r := &relay{}
	mustSend(t, r.start(t), m)
	got, err := mail.ReadMessage(strings.NewReader(r.stored()[0].raw))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// text decodes a body, with line breaks as they were.
func text(t *testing.T, body io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(quotedprintable.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}
