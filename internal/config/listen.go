package config

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/otpipe/otpipe/internal/certfile"
)

// Files are where the certificate lies.
func (t TLS) Files() certfile.Files {
	return certfile.Files{Cert: t.Cert, Key: t.Key, ClientCA: t.ClientCA}
}

// BouncesFiles are where the certificate lies that STARTTLS is offered with.
func (w Worker) BouncesFiles() certfile.Files {
	return certfile.Files{Cert: w.BouncesCert, Key: w.BouncesKey}
}

// listener is what is listened on with a certificate.
type listener struct {
	setting string // the table, or the beginning of the settings' names
	files   certfile.Files
	reached string // the URL by which clients come, if it is known
}

// listeners are all that have a certificate.
func (c Config) listeners() (all []listener) {
	for _, l := range []listener{
		{"api.tls.", c.API.TLS.Files(), c.API.PublicURL},
		{"api.admin_tls.", c.API.AdminTLS.Files(), ""},
		{"support.tls.", c.Support.TLS.Files(), c.Support.PublicURL},
		{"worker.admin_tls.", c.Worker.AdminTLS.Files(), ""},
		{"worker.bounces_", c.Worker.BouncesFiles(), ""},
	} {
		if l.files.On() {
			all = append(all, l)
		}
	}
	return all
}

func (c Config) checkListeners(cs *complaints) {
	cs.want(c.API.Connections > 0, "api.connections", "want at least 1")
	for _, l := range c.listeners() {
		switch _, err := l.files.Read(); {
		case errors.Is(err, certfile.ErrClientCA):
			cs.add(l.setting+"client_ca", "%v", err)
		case err != nil:
			cs.add(l.setting+"cert", "%v", err)
		}
	}
}

// expiring is how long before its end a certificate is warned of.
const expiring = 14 * 24 * time.Hour

// certificateDoubts are about certificates that clients may not, or not for long, believe.
func (c Config) certificateDoubts() (all []string) {
	for _, l := range c.listeners() {
		held, err := l.files.Read()
		if err != nil {
			continue // the check of the settings has refused it
		}
		left := time.Until(held.Leaf.NotAfter)
		switch day := held.Leaf.NotAfter.Format(time.DateOnly); {
		case left < 0:
			all = append(all, fmt.Sprintf("%scert: it expired on %s, so clients refuse it", l.setting, day))
		case left < expiring:
			all = append(all, fmt.Sprintf("%scert: it expires on %s", l.setting, day))
		}
		if u, err := url.Parse(l.reached); err == nil && u.Hostname() != "" && held.Leaf.VerifyHostname(u.Hostname()) != nil {
			all = append(all, fmt.Sprintf("%scert: it is not for %s, unless a proxy stands before", l.setting, u.Hostname()))
		}
	}
	return all
}
