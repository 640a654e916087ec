package address

import (
	"github.com/nyaruka/phonenumbers"

	"github.com/otpipe/otpipe/internal/otp"
)

// Country is where a number belongs, as ISO 3166-1 alpha-2; "" of a mailbox and of
// a number that belongs to no country.
func Country(r otp.Recipient) string {
	if r.Channel() != otp.SMS {
		return ""
	}
	n, err := phonenumbers.Parse(r.Reveal(), "")
	if err != nil {
		return ""
	}
	region := phonenumbers.GetRegionCodeForNumber(n)
	if region == phonenumbers.UNKNOWN_REGION || region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
		return ""
	}
	return region
}
