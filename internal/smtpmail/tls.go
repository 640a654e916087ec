package smtpmail

import (
	"crypto/tls"
	"errors"
	"slices"

	"github.com/wneessen/go-mail/smtp"
)

// TLSPolicy says how a connection is secured.
type TLSPolicy string

// The policies. Where TLS is used at all, the relay's certificate is verified.
const (
	TLSMandatory     TLSPolicy = "mandatory"     // STARTTLS (RFC 3207), or no mail
	TLSOpportunistic TLSPolicy = "opportunistic" // STARTTLS if the relay offers it
	TLSNone          TLSPolicy = "none"          // for a relay on the same host
	TLSImplicit      TLSPolicy = "implicit"      // TLS from the first byte (RFC 8314), port 465
)

// TLSPolicies lists every policy.
var TLSPolicies = []TLSPolicy{TLSMandatory, TLSOpportunistic, TLSNone, TLSImplicit}

// Valid tells whether t is one of TLSPolicies, or empty for TLSMandatory.
func (t TLSPolicy) Valid() bool { return t == "" || slices.Contains(TLSPolicies, t) }

var errNoStartTLS = errors.New("the relay does not offer STARTTLS")

// secure turns to TLS as the policy says. A policy it does not know is the
// strictest.
func (p *Provider) secure(c *smtp.Client) error {
	if p.TLS == TLSNone || p.TLS == TLSImplicit {
		return nil
	}
	offered, _ := c.Extension("STARTTLS")
	switch {
	case offered:
		return c.StartTLS(p.tlsConfig())
	case p.TLS == TLSOpportunistic:
		return nil
	default:
		return errNoStartTLS
	}
}

func (p *Provider) tlsConfig() *tls.Config {
	c := p.TLSConfig.Clone()
	if c == nil {
		c = &tls.Config{}
	}
	if c.ServerName == "" {
		c.ServerName = p.Host
	}
	if c.MinVersion == 0 {
		c.MinVersion = tls.VersionTLS12
	}
	return c
}
