package smtpmail

import (
	"errors"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

var errNoAuth = errors.New("the relay offers neither AUTH PLAIN nor AUTH LOGIN")

// login authenticates (RFC 4954). Both mechanisms refuse to send the password
// in clear to any host but this one.
func (p *Provider) login(c *smtp.Client) error {
	if p.Username == "" {
		return nil
	}
	_, offered := c.Extension("AUTH")
	mechanisms := strings.Fields(offered)
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		return c.Auth(smtp.PlainAuth("", p.Username, p.Password, p.Host, false))
	case slices.Contains(mechanisms, "LOGIN"):
		return c.Auth(smtp.LoginAuth(p.Username, p.Password, p.Host, false))
	default:
		return errNoAuth
	}
}
