package message_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/templates"
)

func ending(t *testing.T, e map[otp.Namespace]message.Ending) *message.Composer {
	t.Helper()
	c, err := message.New(templates.FS, otp.BuiltIn(), message.Settings{Params: brand, Ending: e})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The form is that of "Origin-bound one-time codes delivered via SMS": nothing
// before the @, one space, the code last, and no line after it.
func TestATextEndsWithTheOriginAndItsOwnCodeInEveryLocale(t *testing.T) {
	t.Parallel()
	c := ending(t, map[otp.Namespace]message.Ending{otp.PhoneAuth: {Origin: "example.com"}})
	for _, locale := range locales {
		for _, code := range []string{"012345", "987654"} {
			text := compose(t, c, otp.PhoneAuth, letter(otp.SMS, locale, nil), code).Text
			if !strings.HasPrefix(text, code+" ") || !strings.HasSuffix(text, "\n\n@example.com #"+code) {
				t.Errorf("%s: %q", locale, text)
			}
			if all := regexp.MustCompile(`\d{6}`).FindAllString(text, -1); len(all) != 2 {
				t.Errorf("%s: codes %v", locale, all)
			}
		}
	}
}

func TestATextForAnAppEndsWithItsHash(t *testing.T) {
	t.Parallel()
	c := ending(t, map[otp.Namespace]message.Ending{otp.PhoneAuth: {AndroidHash: "FA+9qCX9VSu"}})
	if text := compose(t, c, otp.PhoneAuth, letter(otp.SMS, "en", nil), "123456").Text; !strings.HasSuffix(text, ".\n\nFA+9qCX9VSu") {
		t.Errorf("%q", text)
	}
}

func TestAnEndingIsOneNamespacesAndNoMails(t *testing.T) {
	t.Parallel()
	c := ending(t, map[otp.Namespace]message.Ending{otp.ForgotPassword: {Origin: "example.com"}})
	texts := map[string]string{
		"another namespace": compose(t, c, otp.PhoneAuth, letter(otp.SMS, "en", nil), "123456").Text,
		"a mail":            compose(t, c, otp.ForgotPassword, letter(otp.Email, "en", nil), "123456").Text,
	}
	for what, text := range texts {
		if strings.Contains(text, "@") {
			t.Errorf("%s: %q", what, text)
		}
	}
}

// What follows the last line would make it none: a template's own line breaks
// end before it.
func TestALastLineIsTheLastWhateverTheTemplateEndsWith(t *testing.T) {
	t.Parallel()
	p := otp.DefaultPolicy()
	p.Channels = []otp.Channel{otp.SMS}
	c, err := message.New(tree(sms("en", "\n{{.Code}} it is.\n\n \n")), map[otp.Namespace]otp.Policy{"ours": p},
		message.Settings{Ending: map[otp.Namespace]message.Ending{"ours": {Origin: "example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	if text := compose(t, c, "ours", letter(otp.SMS, "en", nil), "123456").Text; text != "123456 it is.\n\n@example.com #123456" {
		t.Fatalf("%q", text)
	}
}
