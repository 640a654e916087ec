package otp_test

import (
	"slices"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestTheRouteIsThatOfTheRuleWhichSaysMost(t *testing.T) {
	t.Parallel()
	routes := otp.Routes{
		Default: map[otp.Channel][]string{otp.SMS: {"world"}, otp.Email: {"relay"}},
		Country: func(r otp.Recipient) string {
			return map[string]string{"+4915123456789": "DE", "+493012345678": "DE", "+14165550123": "CA", "+12125550123": "US"}[r.Reveal()]
		},
		Rules: []otp.Rule{
			{Channel: otp.SMS, Prefixes: []string{"+4"}, Providers: []string{"four"}},
			{Channel: otp.SMS, Prefixes: []string{"+49"}, Providers: []string{"forty-nine"}},
			{Channel: otp.SMS, Countries: []string{"DE", "AT"}, Providers: []string{"germany"}},
			{Channel: otp.SMS, Prefixes: []string{"+4930"}, Providers: []string{"berlin"}},
			{Channel: otp.SMS, Prefixes: []string{"+1"}, Providers: []string{"america"}},
			{Channel: otp.SMS, Countries: []string{"CA"}, Providers: []string{"canada"}},
			{Channel: otp.SMS, Namespaces: []otp.Namespace{otp.ForgotPassword}, Providers: []string{"safe"}},
			{Channel: otp.SMS, Namespaces: []otp.Namespace{otp.ForgotPassword}, Prefixes: []string{"+1"}, Providers: []string{"safe-america"}},
			{Channel: otp.Email, Namespaces: []otp.Namespace{otp.AddEmail}, Providers: []string{"slow-relay"}},
		},
	}
	for _, c := range []struct {
		ns   otp.Namespace
		to   string
		want string
	}{
		{otp.PhoneAuth, "+33612345678", "world"},
		{otp.PhoneAuth, "+41791234567", "four"},
		{otp.PhoneAuth, "+4917012345678", "forty-nine"}, // of no country that is known
		{otp.PhoneAuth, "+4915123456789", "germany"},
		{otp.PhoneAuth, "+493012345678", "berlin"},
		{otp.PhoneAuth, "+12125550123", "america"},
		{otp.PhoneAuth, "+14165550123", "canada"},
		{otp.ForgotPassword, "+493012345678", "safe"},
		{otp.ForgotPassword, "+14165550123", "safe-america"},
		{otp.AddEmail, "a@example.com", "slow-relay"},
		{otp.ForgotPassword, "a@example.com", "relay"},
	} {
		ch := otp.SMS
		if c.to[0] != '+' {
			ch = otp.Email
		}
		if got := routes.For(c.ns, otp.NewRecipient(ch, c.to, c.to, "masked")); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s in %s: %v, want %s", c.to, c.ns, got, c.want)
		}
	}
}
