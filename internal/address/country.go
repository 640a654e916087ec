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
	n := numberOf(r)
	if n == nil {
		return ""
	}
	return countryOf(n)
}

// numberOf is a recipient's number once more; nil if that is none.
func numberOf(r otp.Recipient) *phonenumbers.PhoneNumber {
	if n := asWritten(r.Reveal()); n != nil {
		return n
	}
	n, err := phonenumbers.Parse(r.Reveal(), "")
	if err != nil {
		return nil
	}
	return n
}

func countryOf(n *phonenumbers.PhoneNumber) string {
	region := phonenumbers.GetRegionCodeForNumber(n)
	if region == phonenumbers.UNKNOWN_REGION || region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
		return ""
	}
	return region
}

// Atlas tells what an address says of itself.
type Atlas struct {
	Disposable Domains // may be empty
}

// Place is what r tells of itself.
func (a Atlas) Place(r otp.Recipient) otp.Place {
	if r.Channel() == otp.Email {
		return otp.Place{Disposable: a.Disposable.Has(r.Reveal())}
	}
	n := numberOf(r)
	if n == nil {
		return otp.Place{}
	}
	return otp.Place{Country: countryOf(n), VoIP: phonenumbers.GetNumberType(n) == phonenumbers.VOIP}
}
