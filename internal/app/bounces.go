package app

import (
	"slices"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

// newBounces is the mail server for the return paths of all providers; nil if it
// has no place to listen. What paths there are changes with the configuration.
func (w *worker) newBounces() (*smtpmail.Bounces, error) {
	if w.config.Worker.Bounces == "" {
		return nil, nil
	}
	secure, err := w.certs.open("bounces", w.config.Worker.BouncesFiles())
	if err != nil {
		return nil, err
	}
	return &smtpmail.Bounces{
		ReturnPaths: func() map[string]smtpmail.ReturnPath { return *w.paths.Load() },
		Receiver:    &deliver.Desk{Receipts: w.metrics.Receipts(w.in.store), Ringer: w.ringer},
		Counted:     w.metrics.Bounced, Log: w.log, TLS: secure, Drain: drain,
	}, nil
}

// returnPaths are those of all relays whose bounces come to otpipe.
func returnPaths(c config.Config, keys otp.Keys) map[string]smtpmail.ReturnPath {
	paths := map[string]smtpmail.ReturnPath{}
	for _, p := range c.Providers {
		if p.Driver == "smtp" && p.SMTP.BounceDomain != "" {
			paths[p.Name] = returnPath(keys, p)
		}
	}
	return paths
}

// bounceDomains are those that bounces come to.
func bounceDomains(c config.Config) (all []string) {
	for _, p := range c.Providers {
		if p.Driver == "smtp" && p.SMTP.BounceDomain != "" && !slices.Contains(all, p.SMTP.BounceDomain) {
			all = append(all, p.SMTP.BounceDomain)
		}
	}
	return all
}

func returnPath(keys otp.Keys, p config.Provider) smtpmail.ReturnPath {
	return smtpmail.ReturnPath{Domain: p.SMTP.BounceDomain, Keys: keys}
}
