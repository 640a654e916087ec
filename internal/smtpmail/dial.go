package smtpmail

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/wneessen/go-mail/smtp"
)

// dial opens a connection and brings it to where mail may be sent. The socket is
// closed before any error is returned.
func (p *Provider) dial(ctx context.Context) (*session, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", p.address())
	if err != nil {
		return nil, at(connecting, err)
	}
	s := &session{raw: raw}
	stop := context.AfterFunc(ctx, s.cut)
	s.client, err = p.open(raw)
	if !stop() && err == nil {
		err = at(greeting, ctx.Err())
	}
	if err != nil {
		s.cut()
		return nil, err
	}
	return s, nil
}

// open is RFC 5321 §3.1 and §3.2: greeting, EHLO, then TLS and AUTH.
func (p *Provider) open(raw net.Conn) (*smtp.Client, error) {
	conn, err := p.wrap(raw)
	if err != nil {
		return nil, at(securing, err)
	}
	c, err := smtp.NewClient(conn, p.Host)
	if err != nil {
		return nil, at(greeting, err)
	}
	if err := c.Hello(p.helo()); err != nil {
		return nil, at(greeting, err)
	}
	if err := p.secure(c); err != nil {
		return nil, at(securing, err)
	}
	if err := p.login(c); err != nil {
		return nil, at(authenticating, err)
	}
	return c, nil
}

// wrap is where implicit TLS begins.
func (p *Provider) wrap(raw net.Conn) (net.Conn, error) {
	if p.TLS != TLSImplicit {
		return raw, nil
	}
	conn := tls.Client(raw, p.tlsConfig())
	return conn, conn.Handshake() //nolint:noctx // the end of the context closes raw
}

func (p *Provider) helo() string {
	if p.HELO != "" {
		return p.HELO
	}
	return p.domain()
}
