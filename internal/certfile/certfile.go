// Package certfile listens with certificates that lie in files, and takes what is
// put in their place while it runs. It imports the standard library alone.
package certfile

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"sync/atomic"
	"time"
)

// Files are where a certificate lies, all in PEM.
type Files struct {
	Cert, Key string // with its chain; without them there is no TLS
	ClientCA  string // the authorities of whom clients must have a certificate; without it they need none
}

// On tells whether there is a certificate.
func (f Files) On() bool { return f.Cert != "" || f.Key != "" || f.ClientCA != "" }

// What may be wrong with files. None of the texts tells what stands in one.
var (
	ErrPair     = errors.New("want the file of a certificate, and in key that of its private key, both readable and in PEM")
	ErrClientCA = errors.New("want a readable file of certificates in PEM")
)

// Held is what files held when they were read.
type Held struct {
	Leaf   *x509.Certificate // as clients see it
	sum    [sha256.Size]byte
	config *tls.Config
}

// Read reads the files, for a listener that speaks protocols as ALPN has them. Its
// errors are ErrPair and ErrClientCA.
func (f Files) Read(protocols ...string) (*Held, error) {
	cert, err := os.ReadFile(f.Cert)
	key, err2 := os.ReadFile(f.Key)
	if err != nil || err2 != nil {
		return nil, ErrPair
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil { // its words may tell of the key
		return nil, ErrPair
	}
	h := &Held{Leaf: pair.Leaf, config: &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, Certificates: []tls.Certificate{pair}}}
	all := append(cert, key...)
	if f.ClientCA != "" {
		ca, err := os.ReadFile(f.ClientCA)
		h.config.ClientCAs, h.config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if err != nil || !h.config.ClientCAs.AppendCertsFromPEM(ca) {
			return nil, ErrClientCA
		}
		all = append(all, ca...)
	}
	h.sum = sha256.Sum256(all)
	return h, nil
}

// Source is what a listener goes by: what the files held when they were read last
// and were whole.
type Source struct {
	files     Files
	protocols []string
	held      atomic.Pointer[Held]
}

// Open reads the files for the first time; see Files.Read.
func Open(f Files, protocols ...string) (*Source, error) {
	h, err := f.Read(protocols...)
	if err != nil {
		return nil, err
	}
	s := &Source{files: f, protocols: protocols}
	s.held.Store(h)
	return s, nil
}

// Config is for a listener. Each connection goes by what is held when it begins.
func (s *Source) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: s.protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.held.Load().config, nil },
	}
}

// NotAfter is when the certificate expires.
func (s *Source) NotAfter() time.Time { return s.held.Load().Leaf.NotAfter }

// Refresh reads the files again and tells whether they hold something else. What
// cannot be used changes nothing: they may be half written.
func (s *Source) Refresh() (changed bool, err error) {
	h, err := s.files.Read(s.protocols...)
	if err != nil || h.sum == s.held.Load().sum {
		return false, err
	}
	s.held.Store(h)
	return true, nil
}

// Watch refreshes every so often until ctx ends. told hears of what is new, and of
// what cannot be used, once until that changes.
func (s *Source) Watch(ctx context.Context, every time.Duration, told func(until time.Time, err error)) {
	var last error
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		changed, err := s.Refresh()
		if changed || err != nil && last == nil {
			told(s.NotAfter(), err)
		}
		last = err
	}
}
