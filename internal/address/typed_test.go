package address_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
)

func TestWhatIsTypedIsReadInAnyUsualSpelling(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"+4915123456789", "+49 151 23456789", "+49 (0) 151 / 234 567 89", "+49 (151) 234-56-789", "0049 151 23456789", "0151 23456789",
		"0151/23456789", "151 23456789", "tel:+49-151-23456789", "TEL:+4915123456789;phone-context=x", " +49\u00a0151\u200923456789\n", "\u202a+49 151 23456789\u202c",
		"+49–151–23456789", "＋４９ １５１ ２３４５６７８９", "+٤٩١٥١٢٣٤٥٦٧٨٩", "+४९१५१२३४५६७८९",
	} {
		r, err := address.Typed(text, "DE")
		if err != nil || r.Channel() != otp.SMS || r.Reveal() != "+4915123456789" {
			t.Errorf("%q: %q, %v", text, r.Reveal(), err)
		}
	}
	for _, text := range []string{
		"kim@example.com", "Kim@EXAMPLE.com", " kim@example.com ", "<kim@example.com>", "Kim Doe <kim@example.com>", "\"Doe, Kim\" <kim@example.com>",
		"mailto:kim@example.com", "MAILTO:kim@example.com?subject=x", "kim@example.com;", "kim＠example.com", "'kim@example.com'",
	} {
		r, err := address.Typed(text, "DE")
		if err != nil || r.Channel() != otp.Email || !strings.EqualFold(r.Reveal(), "kim@example.com") {
			t.Errorf("%q: %q, %v", text, r.Reveal(), err)
		}
	}
}

func TestANumberWithoutACountryIsOfTheGivenOne(t *testing.T) {
	t.Parallel()
	for country, want := range map[string]string{"GB": "+447911123456", "US": ""} {
		r, err := address.Typed("07911 123456", country)
		if want == "" && !errors.Is(err, otp.ErrInvalidRecipient) || want != "" && r.Reveal() != want {
			t.Errorf("%s: %q, %v", country, r.Reveal(), err)
		}
	}
	if _, err := address.Typed("0151 23456789", ""); !errors.Is(err, otp.ErrInvalidRecipient) {
		t.Errorf("in no country: %v", err)
	}
}

func TestWhatIsNoAddressIsRefusedWithoutQuotingIt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "  ", "kim", "kim@", "@", "VE123", "+49 30 901820", strings.Repeat("9", 10_000), strings.Repeat("@", 10_000), "<script>alert(1)</script>", "0000000000"} {
		_, err := address.Typed(text, "DE")
		ie, ok := errors.AsType[*otp.InputError](err)
		if !ok || len(text) > 3 && strings.Contains(ie.Error(), text) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestDigitsOfAnyScriptAreRead(t *testing.T) {
	t.Parallel()
	row := 0
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Nd, r) {
			row = 0
			continue
		}
		text := "+4915123456" + strings.Repeat(string(r), 3)
		want := "+4915123456" + strings.Repeat(string(rune('0'+row%10)), 3)
		if got, err := address.Typed(text, ""); err == nil && got.Reveal() != want || err != nil && !norm.NFKC.IsNormalString(text) {
			t.Errorf("%U: %q, %v; want %s", r, got.Reveal(), err, want)
		}
		row++
	}
}
