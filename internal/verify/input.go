package verify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/otpipe/otpipe/internal/otp"
)

const maxBinding = 256 // bytes

var (
	localeForm = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`)
	linkForm   = regexp.MustCompile(`(?i)://|www[` + dots + `]|[\pL\pN-][` + dots + `](\pL{2,}|\d{1,3}[` + dots + `]\d{1,3}[` + dots + `]\d)`)
)

// dots are what browsers take for one between the labels of a name.
const dots = `.\x{3002}\x{FF0E}\x{FF61}`

// channelOf is the channel an address is written for.
func channelOf(to string) otp.Channel {
	if strings.Contains(to, "@") {
		return otp.Email
	}
	return otp.SMS
}

// checkInput says what is wrong with the parts of a request that only the
// message is made of. No detail quotes a value.
func (s *Service) checkInput(r StartRequest) error {
	if r.Locale != "" && !localeForm.MatchString(r.Locale) {
		return &otp.InputError{Field: "locale", Detail: "want a BCP 47 tag such as en or pt-BR", Err: otp.ErrInvalid}
	}
	declared := s.Templates.Declares(r.Namespace, r.Channel)
	for name, value := range r.Params {
		if !slices.Contains(declared, name) {
			return &otp.InputError{Field: "params", Detail: fmt.Sprintf("this namespace's message has only %v", declared), Err: otp.ErrInvalid}
		}
		if detail := badParam(value); detail != "" {
			return &otp.InputError{Field: "params/" + name, Detail: detail, Err: otp.ErrInvalid}
		}
	}
	return checkBinding(r.Binding)
}

// badParam keeps what a stranger may have typed from turning a message with a
// code into an advertisement or a trap.
func badParam(v string) string {
	switch {
	case utf8.RuneCountInString(v) > otp.MaxParam:
		return fmt.Sprintf("longer than %d characters", otp.MaxParam)
	case !utf8.ValidString(v), strings.ContainsFunc(v, invisible):
		return "control characters and line breaks are not sent"
	case linkForm.MatchString(v):
		return "links are not sent"
	}
	return ""
}

// invisible tells what a reader does not see but is misled by: controls, line
// and paragraph separators, and format characters such as those that turn the
// direction of writing. The two joiners are needed to spell names.
func invisible(r rune) bool {
	const joiner, nonJoiner = '\u200d', '\u200c'
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) || unicode.Is(unicode.Cf, r) && r != joiner && r != nonJoiner
}

func checkBinding(b string) error {
	if len(b) > maxBinding {
		return &otp.InputError{Field: "binding", Detail: fmt.Sprintf("longer than %d bytes; send a hash", maxBinding), Err: otp.ErrInvalid}
	}
	return nil
}
