package address_test

import (
	"testing"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
)

func TestANumberIsOfACountry(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"+4915123456789": "DE", "+14165550123": "CA", "+12125550123": "US", "+447911123456": "GG", "+77012345678": "KZ", "+79161234567": "RU",
	} {
		if got := address.Country(otp.NewRecipient(otp.SMS, to, to, "")); got != want {
			t.Errorf("%s is of %q, want %q", to, got, want)
		}
	}
	for _, to := range []string{"a@example.de", "+883120123456", "nonsense", ""} {
		ch := otp.SMS
		if to == "a@example.de" {
			ch = otp.Email
		}
		if got := address.Country(otp.NewRecipient(ch, to, to, "")); got != "" {
			t.Errorf("%s is of %q", to, got)
		}
	}
}
