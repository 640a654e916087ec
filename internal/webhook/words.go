package webhook

import "github.com/otpipe/otpipe/internal/vendorhttp"

// givenUp are receipts without a reason of the other side's own.
var givenUp = map[string]string{
	"webhook_undelivered": "The provider could not deliver the message and did not say why",
	"webhook_failed":      "The provider gave the message up and did not say why",
}

// Words are what a reason in a journal means to somebody who waits for a message.
// They are "" for the words that the other side has made up itself.
func Words(code string) string {
	if text := givenUp[code]; text != "" {
		return text
	}
	return vendorhttp.Words(code)
}
