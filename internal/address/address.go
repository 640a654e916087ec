// Package address finds the canonical form of what people type as a phone number
// or an e-mail address, and refuses what a code cannot or must not be sent to.
// It runs in the api.
package address

import "github.com/otpipe/otpipe/internal/otp"

// Parse returns the recipient that s names on a channel. The recipient's own
// address parses to the same recipient again.
//
// Errors are *otp.InputError. They say what is wrong and what to do about it in
// one of a closed set of sentences, so they cannot quote s.
func Parse(ch otp.Channel, s string) (otp.Recipient, error) {
	switch ch {
	case otp.SMS:
		return parsePhone(s)
	case otp.Email:
		return parseMailbox(s)
	default:
		return otp.Recipient{}, &otp.InputError{Field: "channel", Detail: "no such channel; use sms or email", Err: otp.ErrInvalid}
	}
}

// Warm loads the numbering plans of all countries. Without it the first caller
// of Parse waits for some 40 ms; call it once before serving.
func Warm() { _, _ = parsePhone("+12125550123") }

func refuse(detail string) (otp.Recipient, error) {
	return otp.Recipient{}, &otp.InputError{Field: "to", Detail: detail, Err: otp.ErrInvalidRecipient}
}
