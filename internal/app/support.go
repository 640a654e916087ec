package app

import (
	"cmp"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/smtpmail"
	"github.com/otpipe/otpipe/internal/support"
	"github.com/otpipe/otpipe/internal/twilio"
	"github.com/otpipe/otpipe/internal/webhook"
)

// Explainer knows the words of every driver. Their codes do not collide: what two
// of them call alike they mean alike, as it comes from HTTP.
func Explainer() support.Explainer {
	return support.Explainer{
		Words: func(code string) string {
			return cmp.Or(twilio.Words(code), smtpmail.Words(code), webhook.Words(code))
		},
		Blame: func(code string) otp.Class {
			return cmp.Or(twilio.Blame(code), smtpmail.Blame(code), webhook.Blame(code))
		},
	}
}
