package address_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
)

// Complete numbers are not put through all of the library's parsing. Whatever is
// accepted must still be what the library makes of it.
func TestWhatIsAcceptedIsWhatTheLibraryReads(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for region := range phonenumbers.GetSupportedRegions() {
		for _, typ := range []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.VOIP, phonenumbers.PERSONAL_NUMBER, phonenumbers.FIXED_LINE} {
			example := phonenumbers.GetExampleNumberForType(region, typ)
			if example == nil {
				continue
			}
			for range 100 {
				if agrees(t, spelling(r, region, example)) {
					accepted++
				}
			}
		}
	}
	if accepted < 1000 {
		t.Errorf("only %d of the numbers were accepted: they say little", accepted)
	}
}

// spelling changes a few digits of a number, and what stands before or after it.
func spelling(r *rand.Rand, region string, example *phonenumbers.PhoneNumber) string {
	digits := []byte(strconv.FormatUint(example.GetNationalNumber(), 10))
	for range r.IntN(len(digits)) {
		digits[r.IntN(len(digits))] = byte('0' + r.IntN(10))
	}
	trunk := phonenumbers.GetNddPrefixForRegion(region, true)
	country := "+" + strconv.Itoa(int(example.GetCountryCode()))
	switch r.IntN(4) {
	case 0:
		return country + trunk + string(digits)
	case 1:
		return country + trunk + string(digits[1:])
	case 2:
		return country + string(digits) + strconv.Itoa(r.IntN(10))
	default:
		return country + string(digits)
	}
}

func agrees(t *testing.T, s string) (accepted bool) {
	got, err := address.Parse(otp.SMS, s)
	if err != nil {
		return false
	}
	n, err := phonenumbers.Parse(s, "")
	if err != nil {
		t.Errorf("%s is accepted, and the library says: %v", s, err)
	} else if want := phonenumbers.Format(n, phonenumbers.E164); got.Reveal() != want {
		t.Errorf("%s: got %s, the library says %s", s, got.Reveal(), want)
	}
	return true
}
