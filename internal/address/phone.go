package address

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/otpipe/otpipe/internal/otp"
)

// separators are what people put between digits. Whatever else the phone library
// would take (letters, extensions, "tel:", digits of other scripts) is refused
// before it gets there, so that a number has few spellings.
var separators = strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "")

// international is the widest form that E.164 and a superfluous trunk prefix
// allow; whether the number exists is for its country's numbering plan.
var international = regexp.MustCompile(`^\+[1-9][0-9]{5,16}$`)

// maxPhone bounds the work: seventeen digits with a separator around each.
const maxPhone = 40

const (
	phoneForm    = "not a phone number in international form; write + and the country code, then the number, in digits"
	phonePrefix  = "the number must start with + and the country code; write + instead of 00"
	phoneUnknown = "there is no such number in its country; check the country code and the digits"
	phoneGlobal  = "satellite and international networks are not served; use a mobile number of a country"
)

// phoneRefusals says why a type of number gets no codes. The types left out do:
// mobile; fixed or mobile, because the North American plan does not tell them
// apart; VoIP, because it takes texts and is the only number of many people; and
// personal, because it follows its owner, mostly to a mobile.
var phoneRefusals = map[phonenumbers.PhoneNumberType]string{
	phonenumbers.FIXED_LINE:   "a fixed line does not receive texts; use a mobile number",
	phonenumbers.TOLL_FREE:    "a toll-free number does not receive texts; use a mobile number",
	phonenumbers.PREMIUM_RATE: "premium-rate numbers are refused; use a mobile number",
	phonenumbers.SHARED_COST:  "shared-cost numbers are refused; use a mobile number",
	phonenumbers.PAGER:        "a pager does not receive texts; use a mobile number",
	phonenumbers.UAN:          "company-wide numbers are refused; use a mobile number",
	phonenumbers.VOICEMAIL:    "a voicemail box does not receive texts; use a mobile number",
	phonenumbers.UNKNOWN:      phoneUnknown,
}

func parsePhone(s string) (otp.Recipient, error) {
	if len(s) > maxPhone {
		return refuse(phoneForm)
	}
	digits := separators.Replace(s)
	switch {
	case strings.HasPrefix(digits, "00"):
		return refuse(phonePrefix)
	case !international.MatchString(digits):
		return refuse(phoneForm)
	}
	n := asWritten(digits)
	if n == nil || phoneFault(n) != "" {
		// Perhaps there is a trunk prefix too many; else this tells what is wrong.
		var err error
		if n, err = phonenumbers.Parse(digits, ""); err != nil {
			return refuse(phoneUnknown)
		}
		if why := phoneFault(n); why != "" {
			return refuse(why)
		}
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	return otp.NewRecipient(otp.SMS, e164, e164, maskPhone(e164, n.GetCountryCode())), nil
}

// asWritten takes digits for a complete number: a calling code and what follows
// it. That is what most callers send, and a quarter of the work of Parse, which
// looks for extensions and trunk prefixes first. It returns nil if there is no
// such calling code, or if the rest begins with a zero: whether that belongs to
// the number differs from country to country.
func asWritten(digits string) *phonenumbers.PhoneNumber {
	const longest = 3 // digits of a calling code
	if len(digits) <= 1+longest || digits[0] != '+' {
		return nil
	}
	for end := 2; end <= 1+longest; end++ {
		code, err := strconv.ParseInt(digits[1:end], 10, 32)
		if err != nil || !phonenumbers.GetSupportedCallingCodes()[int(code)] {
			continue
		}
		rest, err := strconv.ParseUint(digits[end:], 10, 64)
		if err != nil || digits[end] == '0' {
			return nil
		}
		country := int32(code)
		return &phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &rest}
	}
	return nil
}

// phoneFault says why n gets no codes; "" if it does.
func phoneFault(n *phonenumbers.PhoneNumber) string {
	if phonenumbers.GetSupportedGlobalNetworkCallingCodes()[int(n.GetCountryCode())] {
		return phoneGlobal
	}
	// A number is valid if its type is known, so the type alone tells both.
	return phoneRefusals[phonenumbers.GetNumberType(n)]
}

// maskPhone shows the country and enough of the end to recognise one's own number.
func maskPhone(e164 string, country int32) string {
	shown, rest := "+"+strconv.Itoa(int(country)), 2
	hidden := len(e164) - len(shown) - rest
	return shown + strings.Repeat("•", hidden) + e164[len(e164)-rest:]
}
