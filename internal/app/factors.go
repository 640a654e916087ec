package app

import (
	"time"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/sqlstore"
	"github.com/otpipe/otpipe/internal/totp"
	"github.com/otpipe/otpipe/internal/verify"
)

// newFactors keeps authenticator apps in the database; without one it says so.
func (a *api) newFactors(c config.Config, keys otp.Keys) *totp.Service {
	s := &totp.Service{
		Sessions: a.in.store, Records: a.in.store, Repeats: verify.Repeater{Repeats: a.in.store, Keys: keys}, Signer: newSigner(c, keys),
		Namespaces: c.Policies(), Keys: keys, Partitions: c.Store.Partitions, Now: time.Now,
	}
	if a.database != nil {
		factors := sqlstore.Factors{DB: a.database}
		s.Factors, s.Guesses = factors, a.metrics.Factors(factors, a.log)
	}
	return s
}
