package otp

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxReason = 200 // characters

// addressForm is what people write of an address: an @, or the digits of a number.
var addressForm = regexp.MustCompile(`@|\d(?:[\s().-]*\d){6,}`)

// CheckReason looks at what an operator says of an action. It is kept where no
// address stands in clear. Its error is an *InputError of ErrInvalid.
func CheckReason(reason string) error {
	detail := ""
	switch n := utf8.RuneCountInString(reason); {
	case n == 0 || n > maxReason:
		detail = fmt.Sprintf("want 1 to %d characters: they are kept for the audit", maxReason)
	case !utf8.ValidString(reason), strings.ContainsFunc(reason, unicode.IsControl):
		detail = "want text on one line"
	case addressForm.MatchString(reason):
		detail = "do not name the recipient here; a ticket's number will do"
	}
	if detail == "" {
		return nil
	}
	return &InputError{Field: "reason", Detail: detail, Err: ErrInvalid}
}
