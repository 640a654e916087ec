package app

import (
	"cmp"
	"time"

	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/jwtsession"
	"github.com/otpipe/otpipe/internal/otp"
)

// newSigner signs sessions in the name of the API's public URL, where it has one.
func newSigner(c config.Config, keys otp.Keys) jwtsession.Signer {
	return jwtsession.Signer{Ring: keys.Sign, Issuer: cmp.Or(c.API.PublicURL, "otpipe"), Now: time.Now}
}
