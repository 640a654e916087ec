package config

import (
	"crypto/tls"
	"errors"
	"slices"
)

// checkBounces looks at where bounces come in: a worker could not start that wants
// one port twice.
func (w Worker) checkBounces(cs *complaints) {
	bounces, ok := port(w.Bounces)
	cs.want(ok || w.Bounces == "", "worker.bounces", "want an address such as :2525 or 127.0.0.1:2525")
	admin, _ := port(w.Admin)
	cs.want(!ok || bounces == 0 || bounces != admin, "worker.bounces", "want another port than that of worker.admin")
	if _, err := w.BouncesTLS(); err != nil {
		cs.add("worker.bounces_cert", "%s", err)
	}
}

// BouncesTLS is what STARTTLS is offered with; nil if it is not.
func (w Worker) BouncesTLS() (*tls.Config, error) {
	switch {
	case (w.BouncesCert == "") != (w.BouncesKey == ""):
		return nil, errors.New("want both bounces_cert and bounces_key, or neither")
	case w.BouncesCert == "":
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(w.BouncesCert, w.BouncesKey)
	if err != nil { // its words may tell of the key
		return nil, errors.New("want the file of a certificate and in bounces_key that of its private key, both in PEM")
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// takesBounces tells whether a provider's bounces come to a domain of otpipe's.
func (p Provider) takesBounces() bool { return p.Driver == "smtp" && p.SMTP.BounceDomain != "" }

func (c Config) takesBounces() bool { return slices.ContainsFunc(c.Providers, Provider.takesBounces) }
