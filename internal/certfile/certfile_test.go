package certfile_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/certfile"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate of a name; without an authority it signs itself.
func (a *authority) issue(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: a == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	signer, by := template, private
	if a != nil {
		signer, by = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, &private.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

func newAuthority(t *testing.T) (a *authority, inPEM []byte) {
	t.Helper()
	cert, key := (*authority)(nil).issue(t, "authority")
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)}, cert
}

// folder is where a test's files lie.
type folder struct{ certfile.Files }

func newFolder(t *testing.T) folder {
	t.Helper()
	dir := t.TempDir()
	return folder{certfile.Files{Cert: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key"), ClientCA: filepath.Join(dir, "ca")}}
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f folder) pair(t *testing.T, cert, key []byte) {
	t.Helper()
	put(t, f.Cert, cert)
	put(t, f.Key, key)
}

// serve echoes what comes.
func serve(t *testing.T, s *certfile.Source) (addr string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", s.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer func() { _ = c.Close() }(); _, _ = io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

// visit is one connection: the name that the server shows.
func visit(t *testing.T, addr string, c *tls.Config) (name string, err error) {
	t.Helper()
	if c.RootCAs == nil {
		c.InsecureSkipVerify = true
	}
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second}, Config: c}
	conn, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write([]byte("x")); err != nil {
		return "", err
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return "", err
	}
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

func TestANewCertificateIsServedWhileOldConnectionsGoOn(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.ClientCA = ""
	cert, key := (*authority)(nil).issue(t, "one")
	f.pair(t, cert, key)
	s, err := certfile.Open(f.Files, "h2", "http/1.1")
	if err != nil {
		t.Fatal(err)
	}
	addr := serve(t, s)
	if name, err := visit(t, addr, &tls.Config{}); name != "one" || err != nil {
		t.Fatalf("%q, %v", name, err)
	}
	old, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }()
	told := make(chan error, 10)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go s.Watch(ctx, time.Millisecond, func(_ time.Time, err error) { told <- err })

	next, nextKey := (*authority)(nil).issue(t, "two")
	put(t, f.Cert, next) // half of it
	if err := <-told; !errors.Is(err, certfile.ErrPair) {
		t.Errorf("half a pair: %v", err)
	}
	if name, err := visit(t, addr, &tls.Config{}); name != "one" || err != nil {
		t.Errorf("with half a pair there: %q, %v", name, err)
	}
	put(t, f.Key, nextKey)
	if err := <-told; err != nil {
		t.Errorf("a whole pair: %v", err)
	}
	if name, err := visit(t, addr, &tls.Config{}); name != "two" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	if _, err := old.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := old.Read(make([]byte, 1)); err != nil {
		t.Errorf("a connection from before: %v", err)
	}
	stop()
	if len(told) > 0 {
		t.Errorf("told of what was known: %v", <-told)
	}
}

func TestWhoHasNoCertificateOfTheAuthorityGetsNothing(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	ours, ca := newAuthority(t)
	others, _ := newAuthority(t)
	cert, key := ours.issue(t, "server")
	f.pair(t, cert, key)
	put(t, f.ClientCA, ca)
	s, err := certfile.Open(f.Files)
	if err != nil {
		t.Fatal(err)
	}
	addr := serve(t, s)
	friend, stranger := client(t, ours), client(t, others)
	if name, err := visit(t, addr, &tls.Config{Certificates: friend}); name != "server" || err != nil {
		t.Errorf("a friend: %q, %v", name, err)
	}
	for what, certificates := range map[string][]tls.Certificate{"nobody": nil, "a stranger": stranger} {
		if name, err := visit(t, addr, &tls.Config{Certificates: certificates}); err == nil {
			t.Errorf("%s is let in by %q", what, name)
		}
	}
	cache := &tls.Config{Certificates: friend, ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	for range 2 { // the second one may resume
		if _, err := visit(t, addr, cache); err != nil {
			t.Fatal(err)
		}
	}
	_, another := newAuthority(t)
	put(t, f.ClientCA, another)
	if changed, err := s.Refresh(); !changed || err != nil {
		t.Fatalf("%v, %v", changed, err)
	}
	if _, err := visit(t, addr, cache); err == nil {
		t.Error("who was let in by an authority that is gone comes in by an old session")
	}
}

func TestFilesThatCannotBeUsedAreRefusedInWordsThatTellNothing(t *testing.T) {
	t.Parallel()
	cert, key := (*authority)(nil).issue(t, "one")
	_, other := (*authority)(nil).issue(t, "two")
	for what, c := range map[string]struct {
		cert, key, ca []byte
		want          error
	}{
		"another's key": {cert, other, cert, certfile.ErrPair},
		"no key":        {cert, []byte("canary"), cert, certfile.ErrPair},
		"swapped":       {key, cert, cert, certfile.ErrPair},
		"no authority":  {cert, key, []byte("canary"), certfile.ErrClientCA},
	} {
		f := newFolder(t)
		f.pair(t, c.cert, c.key)
		put(t, f.ClientCA, c.ca)
		if _, err := certfile.Open(f.Files); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := certfile.Open(newFolder(t).Files); !errors.Is(err, certfile.ErrPair) {
		t.Errorf("no files: %v", err)
	}
}

func client(t *testing.T, a *authority) []tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(a.issue(t, "client"))
	if err != nil {
		t.Fatal(err)
	}
	return []tls.Certificate{pair}
}
