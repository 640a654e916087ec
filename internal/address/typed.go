package address

import (
	"net/mail"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"github.com/otpipe/otpipe/internal/otp"
)

// Typed reads what a person of the staff types or pastes into a search field: a
// phone number or an e-mail address in any usual spelling. country, as ISO
// 3166-1 alpha-2, is where a number without a country code is; "" is nowhere.
//
// It is for looking things up. A caller of the API writes an address in one of
// the few forms that Parse takes, so that a wrong one is not guessed at.
func Typed(text, country string) (otp.Recipient, error) {
	if len(text) > maxTyped {
		return refuse(phoneForm)
	}
	text = strings.TrimSpace(strings.Map(readable, norm.NFKC.String(text)))
	if strings.Contains(text, "@") {
		return parseMailbox(mailboxIn(text))
	}
	return parsePhone(numberIn(text, country))
}

// maxTyped bounds the work, in bytes.
const maxTyped = 1024

// readable drops what is not seen, such as the marks that are copied along from
// a page, and reads the digits of other scripts.
func readable(r rune) rune {
	switch {
	case unicode.Is(unicode.Cf, r):
		return -1
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Pd, r):
		return '-'
	case r > unicode.MaxASCII && unicode.Is(unicode.Nd, r):
		return digit(r)
	}
	return r
}

// digit is the ASCII digit of one: the digits of a script stand in a row, apart
// from other rows. (Those that do not are spellings of others to NFKC.)
func digit(r rune) rune {
	zero := r
	for unicode.Is(unicode.Nd, zero-1) {
		zero--
	}
	return '0' + r - zero
}

// mailboxIn finds the address in "Kim <kim@example.com>" or "mailto:kim@example.com".
func mailboxIn(text string) string {
	if len(text) > len("mailto:") && strings.EqualFold(text[:len("mailto:")], "mailto:") {
		text, _, _ = strings.Cut(text[len("mailto:"):], "?")
	}
	if strings.ContainsAny(text, "<\"") {
		if a, err := mail.ParseAddress(text); err == nil {
			return a.Address
		}
	}
	return strings.Trim(text, "<>\"', ;")
}

// numberIn writes a number as E.164 has it, as far as it can be told what it is.
func numberIn(text, country string) string {
	if len(text) > len("tel:") && strings.EqualFold(text[:len("tel:")], "tel:") {
		text, _, _ = strings.Cut(text[len("tel:"):], ";")
	}
	text = strings.NewReplacer("/", "", "(0)", "").Replace(text)
	digits := separators.Replace(text)
	if rest, is := strings.CutPrefix(digits, "00"); is {
		return "+" + rest
	}
	if strings.HasPrefix(digits, "+") || country == "" || len(digits) > maxPhone {
		return digits
	}
	n, err := phonenumbers.Parse(digits, country)
	if err != nil {
		return digits
	}
	return phonenumbers.Format(n, phonenumbers.E164)
}
