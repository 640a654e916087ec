package twilio

import "github.com/otpipe/otpipe/internal/otp"

// states says what the status of a Message means (Twilio's MessageStatus).
// Those of messages to us, receiving and received, are left out.
var states = map[string]otp.State{
	"accepted":            otp.Accepted,
	"scheduled":           otp.Accepted,
	"queued":              otp.Accepted,
	"sending":             otp.Accepted,
	"sent":                otp.Sent,
	"delivered":           otp.Delivered,
	"read":                otp.Delivered,
	"undelivered":         otp.Undelivered,
	"partially_delivered": otp.Undelivered,
	"failed":              otp.Failed,
	"canceled":            otp.Failed,
}
