package devkit_test

import (
	"errors"
	"io"
	"net"
	"net/smtp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/otpipe/otpipe/internal/devkit"
)

const plainMail = "Subject: Your code\r\n\r\nYour code is 481516.\r\n"

func TestAMailIsShownInTheInboxOfEachRecipient(t *testing.T) {
	sink, address := mailServer(t, "")
	if err := smtp.SendMail(address, nil, "codes@acme.example", []string{"ann@example.com", "bob@example.com"}, []byte(plainMail)); err != nil {
		t.Fatal(err)
	}
	want := []devkit.Message{
		{To: "bob@example.com", Channel: "email", Provider: "smtp", Subject: "Your code", Body: "Your code is 481516.\r\n", Code: "481516"},
		{To: "ann@example.com", Channel: "email", Provider: "smtp", Subject: "Your code", Body: "Your code is 481516.\r\n", Code: "481516"},
	}
	if diff := cmp.Diff(want, sink.Inbox.Messages(""), cmpopts.IgnoreFields(devkit.Message{}, "ID", "ReceivedAt")); diff != "" {
		t.Error(diff)
	}
}

func TestTheTextsOfAMailAreDecoded(t *testing.T) {
	const mail = "Subject: =?UTF-8?q?Ihr_Schl=C3=BCssel?=\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" +
		"--a\r\nContent-Type: multipart/alternative;\r\n boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSchl=C3=BCssel 4815=\r\n16\r\n" +
		"--b\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+U2NobMO8\r\nc3NlbDwvcD4=\r\n" +
		"--b--\r\n--a\r\nContent-Type: text/plain\r\n\r\na footer\r\n--a--\r\n"
	sink, address := mailServer(t, "")
	if err := sendMail(address, mail); err != nil {
		t.Fatal(err)
	}
	got := sink.Inbox.Messages("ann@example.com")[0]
	want := devkit.Message{Subject: "Ihr Schlüssel", Body: "Schlüssel 481516", HTML: "<p>Schlüssel</p>", Code: "481516"}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(devkit.Message{}, "ID", "ReceivedAt", "To", "Channel", "Provider")); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoMailIsRefused(t *testing.T) {
	sink, address := mailServer(t, "")
	for _, mail := range []string{
		"no header at all\r\n",
		"Content-Type: multipart/alternative; boundary=a\r\n\r\nno boundary\r\n",
		"Content-Type: ;\r\n\r\nhello\r\n",
		"Content-Transfer-Encoding: base64\r\n\r\n!!!!\r\n",
	} {
		if err := sendMail(address, mail); err == nil || !strings.HasPrefix(err.Error(), "554") {
			t.Errorf("%q: got %v, want 554", mail, err)
		}
	}
	if n := len(sink.Inbox.Messages("")); n != 0 {
		t.Errorf("%d of them are in the inbox", n)
	}
}

func TestAMailServerBehavesAsItIsTold(t *testing.T) {
	for _, c := range []struct {
		mode   devkit.Mode
		answer string // how the client's error begins; "" for none
		stored int
	}{
		{devkit.OK, "", 1},
		{devkit.Refuse, "451", 0},
		{devkit.Reset, "read tcp", 0},
		{devkit.Undelivered, "", 0},
	} {
		t.Run(string(c.mode), func(t *testing.T) {
			sink, address := mailServer(t, c.mode)
			err := sendMail(address, plainMail)
			if err == nil && c.answer != "" || err != nil && !strings.HasPrefix(err.Error(), c.answer) || err != nil && c.answer == "" {
				t.Errorf("got %v, want %q", err, c.answer)
			}
			if n := len(sink.Inbox.Messages("")); n != c.stored {
				t.Errorf("%d messages in the inbox, want %d", n, c.stored)
			}
			if err := sendMail(address, plainMail); err != nil {
				t.Errorf("the next message: %v", err)
			}
		})
	}
}

func TestASlowMailServerTakesTwoSeconds(t *testing.T) {
	sink, address := mailServer(t, devkit.Slow)
	start := time.Now()
	if err := sendMail(address, plainMail); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 2*time.Second || took > 4*time.Second {
		t.Errorf("it took %s, want 2s", took)
	}
	if n := len(sink.Inbox.Messages("")); n != 1 {
		t.Errorf("%d messages in the inbox, want 1", n)
	}
}

func TestAHangingMailServerAnswersOnlyWhenItIsClosed(t *testing.T) {
	for _, mode := range []devkit.Mode{devkit.Hang, devkit.Slow} {
		others := goleak.IgnoreCurrent()
		sink, address := mailServer(t, mode)
		entered := make(chan struct{})
		sink.OnRequest = func() { close(entered) }
		failed := make(chan error)
		go func() { failed <- sendMail(address, plainMail) }()
		<-entered
		select {
		case err := <-failed:
			t.Errorf("%s: it answered: %v", mode, err)
		case <-time.After(100 * time.Millisecond):
		}
		sink.Close()
		if err := <-failed; err == nil {
			t.Errorf("%s: the message was taken", mode)
		}
		goleak.VerifyNone(t, others)
		if n := len(sink.Inbox.Messages("")); n != 0 {
			t.Errorf("%s: %d messages in the inbox", mode, n)
		}
	}
}

func TestAHangingMailServerLetsAClientGo(t *testing.T) {
	sink := &devkit.SMTP{Inbox: &devkit.Inbox{}, Chaos: &devkit.Chaos{}}
	if err := sink.Chaos.Set("smtp", devkit.Hang, 0); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	address := serveMail(t, sink, func(l net.Listener) net.Listener { return watched{l, ended} })
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n\r\nhello\r\n.\r\n")
	_ = c.Close()
	<-ended
}

func TestEveryMessageIsCounted(t *testing.T) {
	var requests atomic.Int64
	sink := &devkit.SMTP{Inbox: &devkit.Inbox{}, Vendor: "smtp-two", OnRequest: func() { requests.Add(1) }}
	address := serveMail(t, sink, nil)
	for range 3 {
		if err := sendMail(address, plainMail); err != nil {
			t.Fatal(err)
		}
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("OnRequest was called %d times, want 3", n)
	}
	if got := sink.Inbox.Messages("")[0].Provider; got != "smtp-two" {
		t.Errorf("provider: got %q", got)
	}
}

func TestAMailServerThatIsClosedFirstServesNobody(t *testing.T) {
	sink := &devkit.SMTP{Inbox: &devkit.Inbox{}}
	sink.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Serve(l); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
	sink.Close()
}

// mailServer starts a server that treats the first message in a mode.
func mailServer(t *testing.T, mode devkit.Mode) (*devkit.SMTP, string) {
	t.Helper()
	sink := &devkit.SMTP{Inbox: &devkit.Inbox{}, Chaos: &devkit.Chaos{}}
	if mode != "" {
		if err := sink.Chaos.Set("smtp", mode, 1); err != nil {
			t.Fatal(err)
		}
	}
	return sink, serveMail(t, sink, nil)
}

// serveMail serves until the test ends and returns the address.
func serveMail(t *testing.T, sink *devkit.SMTP, wrap func(net.Listener) net.Listener) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if wrap != nil {
		l = wrap(l)
	}
	served := make(chan error, 1)
	go func() { served <- sink.Serve(l) }()
	t.Cleanup(func() {
		sink.Close()
		if err := <-served; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

func sendMail(address, mail string) error {
	return smtp.SendMail(address, nil, "codes@acme.example", []string{"ann@example.com"}, []byte(mail))
}

// watched tells when a connection has been closed.
type watched struct {
	net.Listener
	ended chan struct{}
}

func (w watched) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watchedConn{Conn: c, ended: w.ended}, nil
}

type watchedConn struct {
	net.Conn
	ended chan struct{}
	once  sync.Once
}

func (w *watchedConn) Close() error {
	w.once.Do(func() { close(w.ended) })
	return w.Conn.Close()
}
