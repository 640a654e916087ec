package e2e_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-smtp"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

// envelope is what a relay was handed.
type envelope struct{ from, to, raw string }

// postbox is a relay that hands on what it takes.
type postbox struct {
	envelope
	taken chan<- envelope
}

func (p *postbox) Mail(from string, _ *smtp.MailOptions) error { p.from = from; return nil }
func (p *postbox) Rcpt(to string, _ *smtp.RcptOptions) error   { p.to = to; return nil }
func (p *postbox) Reset()                                      {}
func (p *postbox) Logout() error                               { return nil }

func (p *postbox) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	p.raw = string(raw)
	p.taken <- p.envelope
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "Ok: queued as 5558DA1"}
}

func startPostbox(t *testing.T) (port int, taken <-chan envelope) {
	t.Helper()
	mails := make(chan envelope, 10)
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &postbox{taken: mails}, nil }))
	s.ErrorLog = log.New(io.Discard, "", 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().(*net.TCPAddr).Port, mails
}

func TestMailIsSignedAndItsBouncesAreOursAsConfigured(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	port, mails := startPostbox(t)
	r := newRig(t)
	s := settings{
		Mail: port, SMTP: "bounce_domain = \"bounce.otpipe.test\"\n[[providers.smtp.dkim]]\nselector = \"otp1\"\nkey = '''\n" +
			string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})) + "'''",
	}
	r.startWorker(s)
	started := r.startAPI(s).start(t, "verify-email", r.mailbox())
	var got envelope
	select {
	case got = <-mails:
	case <-time.After(10 * time.Second):
		t.Fatal("no mail arrived")
	}

	verified, err := dkim.VerifyWithOptions(strings.NewReader(got.raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		return map[string][]string{"otp1._domainkey.otpipe.test": {"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)}}[name], nil
	}})
	if err != nil || len(verified) != 1 || verified[0].Err != nil {
		t.Errorf("the signature: got %+v, %v", verified, err)
	}
	s.Admin = "127.0.0.1:0"
	c, err := config.Load(r.write(s))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := c.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	o, attempt, ok := smtpmail.ReturnPath{Domain: "bounce.otpipe.test", Keys: keys}.Parse(got.from)
	if !ok || o != (otp.Order{ID: otp.ID(started.ID), Send: 1}) || attempt != 1 {
		t.Errorf("MAIL FROM:<%s> is %v, %d, %v; want the first attempt of %s", got.from, o, attempt, ok, started.ID)
	}
}
