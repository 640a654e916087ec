package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"os"
)

var (
	errAuthority   = errors.New("ca_file: want a readable file of certificates in PEM")
	errCertificate = errors.New("cert_file and key_file: want both, readable and in PEM, or neither")
	errSkip        = errors.New("skip_verify: want true or false")
)

// transport is how a rediss:// connection is made: whose certificates are good,
// and which is ours. Each server is held to the name or address it is reached by.
func transport(given url.Values) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	switch given.Get("skip_verify") {
	case "", "false":
	case "true":
		c.InsecureSkipVerify = true // asked for, by those whose server signed its own certificate
	default:
		return nil, errSkip
	}
	if path := given.Get("ca_file"); path != "" {
		b, err := os.ReadFile(path)
		c.RootCAs = x509.NewCertPool()
		if err != nil || !c.RootCAs.AppendCertsFromPEM(b) {
			return nil, errAuthority
		}
	}
	ours, key := given.Get("cert_file"), given.Get("key_file")
	if ours == "" && key == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(ours, key)
	if err != nil {
		return nil, errCertificate
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}
