package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/vendorhttp"
)

var _ otp.Greeter = Provider{}

// Greet connects to the other side's host and, with https, sees whether its
// certificate is good. Nothing is posted, so whether a message would be taken is
// not known.
func (p Provider) Greet(ctx context.Context) (note string, err error) {
	u, err := url.Parse(p.URL)
	if err != nil {
		return "", &otp.Fault{Class: otp.FaultUs, Provider: p.AccountName, Code: "request", Err: err}
	}
	transport := p.transport()
	if transport.Proxy != nil {
		if proxy, err := transport.Proxy(&http.Request{URL: u}); err == nil && proxy != nil {
			return "messages go by way of a proxy, which was not tried", nil
		}
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", hostport(u))
	if err != nil {
		return "", p.unanswered(&vendorhttp.Silence{Err: err})
	}
	defer func() { _ = raw.Close() }()
	if u.Scheme != "https" {
		return "without https, codes travel in clear", nil
	}
	return "nothing was posted, so whether a message would be taken is not known", p.handshake(ctx, raw, u.Hostname(), transport.TLSClientConfig)
}

// transport is that of the client, or one like it.
func (p Provider) transport() *http.Transport {
	if p.HTTP != nil {
		if t, ok := p.HTTP.Transport.(*http.Transport); ok {
			return t
		}
	}
	return vendorhttp.NewTransport(1)
}

// handshake holds the other side's certificate to its name.
func (p Provider) handshake(ctx context.Context, raw net.Conn, host string, c *tls.Config) error {
	if c = c.Clone(); c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c.ServerName = host
	err := tls.Client(raw, c).HandshakeContext(ctx)
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return &otp.Fault{Class: otp.FaultProvider, Provider: p.AccountName, Code: "certificate", Err: err}
	}
	if err != nil {
		return p.unanswered(&vendorhttp.Silence{Err: err})
	}
	return nil
}

func hostport(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
