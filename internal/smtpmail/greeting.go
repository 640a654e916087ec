package smtpmail

import (
	"context"
	"net"

	"github.com/otpipe/otpipe/internal/otp"
)

var _ otp.Greeter = (*Provider)(nil)

// Greet goes as far as to where a message would begin, on a connection of its own,
// and leaves.
func (p *Provider) Greet(ctx context.Context) (note string, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	s, err := p.dial(ctx)
	if err != nil {
		return "", p.fault(ctx, err)
	}
	defer context.AfterFunc(ctx, s.cut)()
	defer s.quit()
	if err := s.client.Noop(); err != nil { // some relays take a password and close the door then
		return "", p.fault(ctx, at(authenticating, err))
	}
	if _, secured := s.client.TLSConnectionState(); !secured && !p.local() {
		note = "mail goes to the relay without TLS, and codes with it in clear"
	}
	return note, nil
}

// local tells a relay on the same host, to which nobody listens in.
func (p *Provider) local() bool { return p.Host == "localhost" || net.ParseIP(p.Host).IsLoopback() }
