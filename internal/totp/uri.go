package totp

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// uri is what an app reads from the QR code (the Key URI format). A space is %20
// everywhere: some apps show the plus of a query as it stands.
func uri(issuer, account string, c otp.Clockwork, secret otp.FactorSecret) string {
	q := url.Values{
		"secret": {secret.Base32()}, "issuer": {issuer}, "algorithm": {string(c.Algorithm)},
		"digits": {strconv.Itoa(c.Digits)}, "period": {strconv.Itoa(int(c.Period / time.Second))},
	}
	return "otpauth://totp/" + escape(issuer) + ":" + escape(account) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
