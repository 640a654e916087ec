package address_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
)

// accepted is an input with everything that is made of it.
type accepted struct{ name, in, address, limit, masked string }

var phones = []accepted{
	{name: "a mobile in Germany", in: "+4915123456789", address: "+4915123456789", masked: "+49•••••••••89"},
	{name: "a number in the United States, where types look alike", in: "+12125550123", address: "+12125550123", masked: "+1••••••••23"},
	{name: "a mobile in India", in: "+919876543210", address: "+919876543210", masked: "+91••••••••10"},
	{name: "a mobile in Brazil", in: "+5511987654321", address: "+5511987654321", masked: "+55•••••••••21"},
	{name: "a mobile in Great Britain", in: "+447400123456", address: "+447400123456", masked: "+44••••••••56"},
	{name: "a mobile of Guernsey shares +44", in: "+447911123456", address: "+447911123456", masked: "+44••••••••56"},
	{name: "a mobile in Argentina written with its domestic 15", in: "+54 11 15 2345 6789", address: "+5491123456789", masked: "+54•••••••••89"},
	{name: "VoIP in Great Britain", in: "+445612345678", address: "+445612345678", masked: "+44••••••••78"},
	{name: "a personal number, as Twilio's for tests", in: "+15005550006", address: "+15005550006", masked: "+1••••••••06"},
	{name: "separators", in: "+49 (151) 234-567.89 ", address: "+4915123456789", masked: "+49•••••••••89"},
	{name: "a trunk zero in parentheses", in: "+49 (0) 151 23456789", address: "+4915123456789", masked: "+49•••••••••89"},
	{name: "the plus in parentheses", in: "(+49) 151 23456789", address: "+4915123456789", masked: "+49•••••••••89"},
	{name: "a country code of three digits", in: "+358 40 1234567", address: "+358401234567", masked: "+358•••••••67"},
}

const (
	phoneForm    = "not a phone number in international form; write + and the country code, then the number, in digits"
	phonePrefix  = "the number must start with + and the country code; write + instead of 00"
	phoneUnknown = "there is no such number in its country; check the country code and the digits"
	phoneGlobal  = "satellite and international networks are not served; use a mobile number of a country"
	fixedLine    = "a fixed line does not receive texts; use a mobile number"
)

var phoneRefusals = []refusal{
	{"nothing", "", phoneForm},
	{"words", "call me", phoneForm},
	{"a national number", "0151 23456789", phoneForm},
	{"00 for the plus", "0049 151 23456789", phonePrefix},
	{"digits without a plus", "4915123456789", phoneForm},
	{"two pluses", "++4915123456789", phoneForm},
	{"a plus inside", "+49151+23456789", phoneForm},
	{"a plus alone", "+", phoneForm},
	{"too short", "+4915", phoneForm},
	{"too long", "+491512345678901234", phoneForm},
	{"far too long", "+49" + strings.Repeat("1", 100_000), phoneForm},
	{"vanity letters", "+1 800 FLOWERS", phoneForm},
	{"an extension", "+12125550123 ext. 5", phoneForm},
	{"an extension by its sign", "+12125550123#5", phoneForm},
	{"two numbers", "+12125550123,+12125550124", phoneForm},
	{"a tel URI", "tel:+12125550123", phoneForm},
	{"a phone context", "12125550123;phone-context=+1", phoneForm},
	{"a line break", "+12125550123\r\nBcc: x", phoneForm},
	{"a NUL", "+12125550123\x00", phoneForm},
	{"full-width digits", "+1212555012３", phoneForm},
	{"Arabic digits", "+٤٩١٥١٢٣٤٥٦٧٨٩", phoneForm},
	{"a full-width plus", "＋4915123456789", phoneForm},
	{"an invisible mark, as copied from a contact list", "\u202a+4915123456789\u202c", phoneForm},
	{"not UTF-8", "+4915123456789\xff", phoneForm},
	{"an address", "someone@example.com", phoneForm},
	{"a country that is not", "+999123456789", phoneUnknown},
	{"a number outside its plan", "+12120550123", phoneUnknown},
	{"a mobile with a digit too few", "+44740012345", phoneUnknown},
	{"a fixed line in Germany", "+493012345678", fixedLine},
	{"a fixed line in Great Britain", "+442079460123", fixedLine},
	{"a fixed line in India", "+911123456789", fixedLine},
	{"a fixed line in Brazil", "+551123456789", fixedLine},
	{"a fixed line in France", "+33142345678", fixedLine},
	{"a fixed line in Italy, with its zero", "+390612345678", fixedLine},
	{"premium rate in the United States", "+19002345678", "premium-rate numbers are refused; use a mobile number"},
	{"premium rate in Germany", "+499001234567", "premium-rate numbers are refused; use a mobile number"},
	{"toll-free", "+18005551212", "a toll-free number does not receive texts; use a mobile number"},
	{"shared cost in Austria", "+43810123456", "shared-cost numbers are refused; use a mobile number"},
	{"a pager", "+447640123456", "a pager does not receive texts; use a mobile number"},
	{"a company-wide number", "+443001234567", "company-wide numbers are refused; use a mobile number"},
	{"a voicemail box in Italy", "+3933312345678", "a voicemail box does not receive texts; use a mobile number"},
	{"Inmarsat", "+870773111632", phoneGlobal},
	{"Iridium", "+881612345678", phoneGlobal},
	{"an international network", "+882161234567", phoneGlobal},
	{"international toll-free", "+80012345678", phoneGlobal},
	{"international premium rate", "+979123456789", phoneGlobal},
}

func TestANumberHasOneForm(t *testing.T) {
	for _, row := range phones {
		t.Run(row.name, func(t *testing.T) {
			want := otp.NewRecipient(otp.SMS, row.address, row.address, row.masked)
			if got := parse(t, otp.SMS, row.in); !got.Equal(want) {
				t.Errorf("got %q, mask %s", got.Reveal(), got.Masked())
			}
		})
	}
}

func TestANumberThatMustNotGetACodeIsRefusedWithTheReason(t *testing.T) {
	checkRefusals(t, otp.SMS, phoneRefusals)
}

func TestNumbersAreReadByManyAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, err := address.Parse(otp.SMS, "+447400123456"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
