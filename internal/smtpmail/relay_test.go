package smtpmail_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/otpipe/otpipe/internal/smtpmail"
)

// relay is a mail relay in this process, with a fault where a hook returns one.
type relay struct {
	onMail, onRcpt, onData func(string) error
	password               string // "": no AUTH
	tls                    *tls.Config
	implicit               bool
	utf8, dsn              bool
	idle                   time.Duration // 0: never closes an idle connection

	listener *counter
	mu       sync.Mutex
	mails    []taken
}

// taken is a mail that the relay has read to its end, whatever it answered.
type taken struct {
	from, to, raw string
	utf8, tls     bool
	ret, notify   string // RFC 3461
	helo          string
}

// start serves on loopback until the test ends and returns a provider for it.
func (r *relay) start(t *testing.T) *smtpmail.Provider {
	t.Helper()
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{relay: r, conn: c}, nil
	}))
	s.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableSMTPUTF8, s.EnableDSN = r.utf8, r.dsn
	s.ReadTimeout = r.idle
	r.listener = newCounter(listen(t, "127.0.0.1:0"))
	var l net.Listener = r.listener
	if r.implicit {
		l = tls.NewListener(l, r.tls)
	} else {
		s.TLSConfig = r.tls
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return provider(t, r.listener.Addr())
}

func (r *relay) stored() []taken {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]taken(nil), r.mails...)
}

type session struct {
	relay *relay
	conn  *smtp.Conn
	mail  taken
}

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	if s.mail.from != "" {
		return answer(503, 5, 5, 1, "nested MAIL command")
	}
	if err := call(s.relay.onMail, from); err != nil {
		return err
	}
	_, s.mail.tls = s.conn.TLSConnectionState()
	s.mail.from, s.mail.utf8, s.mail.ret = from, o.UTF8, string(o.Return)
	s.mail.helo = s.conn.Hostname()
	return nil
}

func (s *session) Rcpt(to string, o *smtp.RcptOptions) error {
	s.mail.to = to
	for _, n := range o.Notify {
		s.mail.notify += string(n)
	}
	return call(s.relay.onRcpt, to)
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.raw = string(raw)
	s.relay.mu.Lock()
	s.relay.mails = append(s.relay.mails, s.mail)
	s.relay.mu.Unlock()
	return call(s.relay.onData, s.mail.raw)
}

func (s *session) Reset()        { s.mail = taken{} }
func (s *session) Logout() error { return nil }

func (s *session) AuthMechanisms() []string {
	if s.relay.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, _, password string) error {
		if password != s.relay.password {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func call(hook func(string) error, arg string) error {
	if hook == nil {
		return nil
	}
	return hook(arg)
}

// answer is a reply of the relay; enhanced is 0, 0, 0 for none.
func answer(code, class, subject, detail int, text string) error {
	enhanced := smtp.EnhancedCode{class, subject, detail}
	if class == 0 {
		enhanced = smtp.NoEnhancedCode
	}
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

// counter counts the connections of a listener.
type counter struct {
	net.Listener

	mu                sync.Mutex
	total, open, most int
	ended             sync.Cond
}

func newCounter(l net.Listener) *counter {
	c := &counter{Listener: l}
	c.ended.L = &c.mu
	return c
}

func (c *counter) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total++
	c.open++
	c.most = max(c.most, c.open)
	return &counted{Conn: conn, counter: c}, nil
}

func (c *counter) counts() (total, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total, c.most
}

// drain waits until n connections have come and all have gone.
func (c *counter) drain(t *testing.T, n int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	deadline := time.Now().Add(5 * time.Second)
	defer time.AfterFunc(time.Until(deadline), c.ended.Broadcast).Stop()
	for c.total < n || c.open > 0 {
		if !time.Now().Before(deadline) {
			t.Fatalf("%d connections have come, %d are still open; want %d and none", c.total, c.open, n)
		}
		c.ended.Wait()
	}
}

type counted struct {
	net.Conn
	counter *counter
	once    sync.Once
}

func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.counter.mu.Lock()
		defer c.counter.mu.Unlock()
		c.counter.open--
		c.counter.ended.Broadcast()
	})
	return err
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// provider is one without TLS for a relay at an address.
func provider(t *testing.T, a net.Addr) *smtpmail.Provider {
	t.Helper()
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	p := &smtpmail.Provider{
		AccountName: "smtp-test", Host: host, Port: n, TLS: smtpmail.TLSNone,
		From: `"Acme Codes" <codes@acme.example>`, HELO: "worker.acme.example", Timeout: 10 * time.Second,
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// certificate makes a self-signed one for loopback: the server's side, and the
// side of a client that trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return server, &tls.Config{RootCAs: roots}
}

// errOnce returns err at its nth call and nil at every other.
func errOnce(n int, err error) func(string) error {
	var mu sync.Mutex
	calls := 0
	return func(string) error {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls == n {
			return err
		}
		return nil
	}
}
