package app

import (
	"log/slog"
	"slices"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
)

// newBounces is the mail server for the return paths of all providers; nil if
// there are none, or it has no place to listen.
func newBounces(c config.Config, keys otp.Keys, desk smtpmail.Receiver, counted func(string), log *slog.Logger) (*smtpmail.Bounces, error) {
	paths := map[string]smtpmail.ReturnPath{}
	for _, p := range c.Providers {
		if p.Driver == "smtp" && p.SMTP.BounceDomain != "" {
			paths[p.Name] = returnPath(keys, p)
		}
	}
	if c.Worker.Bounces == "" || len(paths) == 0 {
		return nil, nil
	}
	secure, err := c.Worker.BouncesTLS()
	if err != nil {
		return nil, err
	}
	return &smtpmail.Bounces{ReturnPaths: paths, Receiver: desk, Counted: counted, Log: log, TLS: secure, Drain: drain}, nil
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
