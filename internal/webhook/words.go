package webhook

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/vendorhttp"
)

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

// Blame says at whose door an answer's status lies, "" if its code does not tell: a
// 422 may be about anybody, and of its own words only the other side knows.
func Blame(code string) otp.Class {
	text, answered := strings.CutPrefix(code, "http_")
	status, err := strconv.Atoi(text)
	switch {
	case code == "request":
		return otp.FaultUs
	case code == "timeout", code == "connection", code == "canceled", givenUp[code] != "":
		return otp.FaultProvider
	case !answered, err != nil, status == http.StatusUnprocessableEntity:
		return ""
	}
	return judge(status)
}
