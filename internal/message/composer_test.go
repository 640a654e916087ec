package message_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/templates"
)

// brand is what the built-in templates need.
var brand = map[string]string{"brand": "Example"}

// builtIn composes by the templates that come with the program.
func builtIn(t *testing.T, namespaces map[otp.Namespace]otp.Policy) *message.Composer {
	t.Helper()
	c, err := message.New(templates.FS, namespaces, message.Settings{Params: brand})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ours composes by a test's own templates, for the namespace "ours".
func ours(files map[string]string, defaults map[string]string, channels ...otp.Channel) (*message.Composer, error) {
	p := otp.DefaultPolicy()
	p.Channels = channels
	return message.New(tree(files), map[otp.Namespace]otp.Policy{"ours": p}, message.Settings{Params: defaults})
}

func tree(files map[string]string) fs.FS {
	all := fstest.MapFS{}
	for name, text := range files {
		all[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return all
}

// sms is the least that a namespace with texts needs in a locale.
func sms(locale, text string) map[string]string {
	return map[string]string{locale + "/default/purpose.txt": "to test", locale + "/default/sms.txt": text}
}

func letter(ch otp.Channel, locale string, params map[string]string) otp.Letter {
	return otp.Letter{To: otp.NewRecipient(ch, "to", "to", "t•"), Locale: locale, Params: params}
}

func codeOf(t testing.TB, digits string) otp.Code {
	t.Helper()
	c, err := otp.ParseCode(digits, len(digits))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func compose(t *testing.T, c *message.Composer, ns otp.Namespace, l otp.Letter, code string) otp.Message {
	t.Helper()
	m, err := c.Compose(ns, l, codeOf(t, code), 5*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestATextBeginsWithItsCodeAsNotificationsShowIt(t *testing.T) {
	t.Parallel()
	c := builtIn(t, otp.BuiltIn())
	for ns, policy := range otp.BuiltIn() {
		if policy.Allows(otp.SMS) {
			if m := compose(t, c, ns, letter(otp.SMS, "", nil), "012345"); !strings.HasPrefix(m.Text, "012345 ") {
				t.Errorf("%s: %s", ns, m.Text)
			}
		}
	}
}

func TestASubjectIsOneLineWithoutTheCode(t *testing.T) {
	t.Parallel()
	c := builtIn(t, otp.BuiltIn())
	for ns, policy := range otp.BuiltIn() {
		if policy.Allows(otp.Email) {
			if m := compose(t, c, ns, letter(otp.Email, "", nil), "123456"); strings.ContainsAny(m.Subject, "\r\n") || strings.Contains(m.Subject, "123456") || m.Subject == "" {
				t.Errorf("%s: %q", ns, m.Subject)
			}
		}
	}
}

func TestParamsAreEscapedInHTMLAndNowhereElse(t *testing.T) {
	t.Parallel()
	const brand, escaped = `<b>"A&B"</b>`, `&lt;b&gt;&#34;A&amp;B&#34;&lt;/b&gt;`
	c := builtIn(t, otp.BuiltIn())
	mail := compose(t, c, otp.ForgotPassword, letter(otp.Email, "en", map[string]string{"brand": brand}), "123456")
	text := compose(t, c, otp.ForgotPassword, letter(otp.SMS, "en", map[string]string{"brand": brand}), "123456")
	if strings.Contains(mail.HTML, "<b>") || !strings.Contains(mail.HTML, escaped) {
		t.Errorf("HTML: %s", mail.HTML)
	}
	for where, plain := range map[string]string{"subject": mail.Subject, "mail": mail.Text, "text": text.Text} {
		if !strings.Contains(plain, brand) {
			t.Errorf("%s: %s", where, plain)
		}
	}
}

func TestAParamOfTheLetterGoesBeforeItsDefault(t *testing.T) {
	t.Parallel()
	c := builtIn(t, otp.BuiltIn())
	m := compose(t, c, otp.PhoneAuth, letter(otp.SMS, "en", map[string]string{"brand": "Shop"}), "123456")
	if !strings.Contains(m.Text, "Shop") || strings.Contains(m.Text, "Example") {
		t.Fatal(m.Text)
	}
	if again := compose(t, c, otp.PhoneAuth, letter(otp.SMS, "en", nil), "123456"); !strings.Contains(again.Text, "Example") {
		t.Fatalf("the next letter has it too: %s", again.Text)
	}
}

func TestMinutesAreRoundedUp(t *testing.T) {
	t.Parallel()
	c, err := ours(sms("en", "{{.Minutes}}"), nil, otp.SMS)
	if err != nil {
		t.Fatal(err)
	}
	for left, want := range map[time.Duration]string{
		15 * time.Second: "1", time.Minute: "1", time.Minute + time.Millisecond: "2", 5*time.Minute - time.Second: "5", 5 * time.Minute: "5",
	} {
		m, err := c.Compose("ours", letter(otp.SMS, "en", nil), codeOf(t, "123456"), left)
		if err != nil || m.Text != want {
			t.Errorf("%s: %q, %v", left, m.Text, err)
		}
	}
}

func TestAComposedMessageHasTextsOnly(t *testing.T) {
	t.Parallel()
	m := compose(t, builtIn(t, otp.BuiltIn()), otp.VerifyEmail, letter(otp.Email, "en", nil), "123456")
	if m.Order != (otp.Order{}) || m.Attempt != 0 || m.To.Reveal() != "" || m.Left != 0 || !m.At.IsZero() {
		t.Fatal("the rest is not the composer's")
	}
}

func TestANamespaceOfOnesOwnIsWrittenByTheDefault(t *testing.T) {
	t.Parallel()
	all := otp.BuiltIn()
	all["close-account"] = otp.DefaultPolicy()
	c := builtIn(t, all)
	for _, ch := range otp.Channels {
		m := compose(t, c, "close-account", letter(ch, "en", nil), "123456")
		if !strings.Contains(m.Text, "to confirm it is you") || !strings.Contains(m.Text, "123456") {
			t.Errorf("%s: %s", ch, m.Text)
		}
	}
}

func TestANamespacesOwnPartGoesBeforeTheDefaultPartByPart(t *testing.T) {
	t.Parallel()
	files := sms("en", "default {{.Purpose}}")
	files["en/ours/purpose.txt"] = "to do ours"
	c, err := ours(files, nil, otp.SMS)
	if err != nil {
		t.Fatal(err)
	}
	if m := compose(t, c, "ours", letter(otp.SMS, "en", nil), "123456"); m.Text != "default to do ours" {
		t.Fatal(m.Text)
	}
}

func TestTheLocaleIsTheNearestThereIs(t *testing.T) {
	t.Parallel()
	files := sms("en", "English")
	for locale, text := range map[string]string{"de": "Deutsch", "pt-BR": "Português", "zh-Hant": "繁體"} {
		for name, part := range sms(locale, text) {
			files[name] = part
		}
	}
	c, err := ours(files, nil, otp.SMS)
	if err != nil {
		t.Fatal(err)
	}
	for locale, want := range map[string]string{
		"en": "English", "en-GB": "English", "de": "Deutsch", "de-CH": "Deutsch", "DE": "Deutsch", "de_AT": "Deutsch", "gsw": "Deutsch",
		"pt-BR": "Português", "pt": "Português", "zh-TW": "繁體", "fr;q=0.9, de;q=0.5": "Deutsch",
	} {
		if m := compose(t, c, "ours", letter(otp.SMS, locale, nil), "123456"); m.Text != want {
			t.Errorf("%s: %s", locale, m.Text)
		}
	}
}

func TestALocaleThereIsNotFallsBackToEnglishWhateverOthersThereAre(t *testing.T) {
	t.Parallel()
	files := sms("en", "English")
	for name, part := range sms("de", "Deutsch") {
		files[name] = part
	}
	c, err := ours(files, nil, otp.SMS)
	if err != nil {
		t.Fatal(err)
	}
	for _, locale := range []string{"", "ja", "ar-EG", "nonsense", "../de", "\x00"} {
		if m := compose(t, c, "ours", letter(otp.SMS, locale, nil), "123456"); m.Text != "English" {
			t.Errorf("%q: %s", locale, m.Text)
		}
	}
}

func TestDeclaredAreTheParamsOfThePartsOfAChannel(t *testing.T) {
	t.Parallel()
	c := builtIn(t, otp.BuiltIn())
	for ns, policy := range otp.BuiltIn() {
		for _, ch := range policy.Channels {
			if d := cmp.Diff([]string{"brand"}, c.Declares(ns, ch)); d != "" {
				t.Errorf("%s by %s: %s", ns, ch, d)
			}
		}
	}
	files := sms("en", "{{.Params.b}} {{.Params.a_c}} {{if .Params.b}}{{end}}")
	files["en/default/email.txt"], files["en/default/email.html"] = "{{.Params.text}}", "{{.Params.html}}"
	files["en/default/email.subject.txt"] = "{{.Params.subject}}"
	defaults := map[string]string{"b": "", "a_c": "", "text": "", "html": "", "subject": ""}
	c, err := ours(files, defaults, otp.SMS, otp.Email)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a_c", "b"}, c.Declares("ours", otp.SMS)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"html", "subject", "text"}, c.Declares("ours", otp.Email)); d != "" {
		t.Error(d)
	}
	if all := c.Declares("unknown", otp.SMS); len(all) != 0 {
		t.Errorf("a namespace there is not declares %v", all)
	}
}

func TestEveryParamThatAMessageUsesIsDeclared(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"in the purpose":      "en/default/purpose.txt",
		"in another locale":   "fr/default/sms.txt",
		"in our own template": "en/ours/sms.txt",
	} {
		files := sms("en", "{{.Purpose}}")
		for n, part := range sms("fr", "{{.Purpose}}") {
			files[n] = part
		}
		files[file] = "{{.Params.device2}}"
		c, err := ours(files, map[string]string{"device2": "phone"}, otp.SMS)
		if err != nil {
			t.Fatal(err)
		}
		if all := c.Declares("ours", otp.SMS); !slices.Contains(all, "device2") {
			t.Errorf("%s: %v", name, all)
		}
	}
}

func TestNewRefusesTemplatesThatCannotWork(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		files    map[string]string
		channels []otp.Channel
		names    string // what the error says
	}{
		{"no locale", map[string]string{"readme.txt": ""}, []otp.Channel{otp.SMS}, "no locale"},
		{"no text", map[string]string{"en/default/purpose.txt": ""}, []otp.Channel{otp.SMS}, "en/ours/sms.txt"},
		{"no purpose", map[string]string{"en/default/sms.txt": ""}, []otp.Channel{otp.SMS}, "en/ours/purpose.txt"},
		{"no mail", sms("en", ""), []otp.Channel{otp.SMS, otp.Email}, "en/ours/email.subject.txt"},
		{"a field there is not", sms("en", "{{.Code}} {{.Secret}}"), []otp.Channel{otp.SMS}, "en/default/sms.txt"},
		{"a param without a default", sms("en", "{{.Code}} {{.Params.name}}"), []otp.Channel{otp.SMS}, "en/default/sms.txt"},
		{"a param without a default in the purpose", map[string]string{"en/default/sms.txt": "", "en/default/purpose.txt": "{{.Params.name}}"}, []otp.Channel{otp.SMS}, "en/default/purpose.txt"},
		{"a function that fails and quotes", sms("en", "{{index .Code 99}}"), []otp.Channel{otp.SMS}, "en/default/sms.txt"},
		{"a call of the code", sms("en", "{{call .Code}}"), []otp.Channel{otp.SMS}, "en/default/sms.txt"},
		{"an odd number of words for a plural", sms("en", `{{plural .Minutes "one"}}`), []otp.Channel{otp.SMS}, "en/default/sms.txt: plural wants a number and then pairs"},
		{"a plural form there is not", sms("en", `{{plural .Minutes "none" "x" "other" "y"}}`), []otp.Channel{otp.SMS}, "plural has the forms zero, one, two"},
		{"a plural without the form other", sms("en", `{{plural .Minutes "one" "x"}}`), []otp.Channel{otp.SMS}, "plural wants the form other"},
		{"no template", sms("en", "{{.Code"), []otp.Channel{otp.SMS}, "en/default/sms.txt"},
		{"only one locale is whole", map[string]string{
			"en/default/sms.txt": "", "en/default/purpose.txt": "", "de/default/sms.txt": "",
		}, []otp.Channel{otp.SMS}, "de/ours/purpose.txt"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ours(test.files, nil, test.channels...)
			if err == nil || !strings.Contains(err.Error(), test.names) {
				t.Fatalf("error %v, want one about %s", err, test.names)
			}
			if strings.ContainsAny(err.Error(), "0123456789") && test.name != "no template" {
				t.Fatalf("it may quote a code: %v", err)
			}
		})
	}
}

func TestNewTellsOnceOfEveryTemplateThatIsWrong(t *testing.T) {
	t.Parallel()
	p := otp.DefaultPolicy()
	p.Channels = []otp.Channel{otp.SMS}
	files := sms("en", "{{.Wrong}}")
	files["en/b/sms.txt"] = "{{.Wrong}}"
	_, err := message.New(tree(files), map[otp.Namespace]otp.Policy{"a": p, "b": p, "c": p}, message.Settings{})
	if err == nil || strings.Count(err.Error(), "en/default/sms.txt") != 1 || strings.Count(err.Error(), "en/b/sms.txt") != 1 {
		t.Fatal(err)
	}
}

func TestNewPassesOnThatTemplatesCannotBeRead(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	if _, err := message.New(unreadable{broken}, otp.BuiltIn(), message.Settings{Params: brand}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
}

type unreadable struct{ err error }

func (u unreadable) Open(string) (fs.File, error) { return nil, u.err }

func TestComposingForAChannelOrNamespaceThereIsNotIsAnErrorWithoutTheCode(t *testing.T) {
	t.Parallel()
	c := builtIn(t, otp.BuiltIn())
	for name, where := range map[string]struct {
		ns otp.Namespace
		ch otp.Channel
	}{
		"a namespace":      {"unknown", otp.SMS},
		"a channel of it":  {otp.PhoneAuth, otp.Email},
		"another of it":    {otp.VerifyEmail, otp.SMS},
		"no channel":       {otp.PhoneAuth, ""},
		"no real channel":  {otp.PhoneAuth, "voice"},
		"no namespace yet": {"", otp.SMS},
	} {
		m, err := c.Compose(where.ns, letter(where.ch, "en", nil), codeOf(t, "482915"), time.Minute)
		if err == nil || m.Text != "" || strings.Contains(err.Error(), "482915") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A template that only fails for some codes passes New; its error must not tell the code.
func TestAnErrorThatComesLateDoesNotTellTheCode(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a text":  `{{if eq (len .Params.name) 1}}{{index .Params.name .Code}}{{end}}`,
		"another": `{{if eq (len .Params.name) 1}}{{slice .Code 3 .Minutes .Code}}{{end}}`,
	} {
		c, err := ours(sms("en", text), map[string]string{"name": ""}, otp.SMS)
		if err != nil {
			t.Fatal(err)
		}
		m, err := c.Compose("ours", letter(otp.SMS, "en", map[string]string{"name": "x"}), codeOf(t, "482915"), time.Minute)
		if err == nil || strings.Contains(err.Error(), "482915") || m.Text != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAHundredLettersAreWrittenAtOnce(t *testing.T) {
	t.Parallel()
	c := builtIn(t, otp.BuiltIn())
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			ch, name, code := otp.Channels[i%2], fmt.Sprintf("<Shop %d>", i), fmt.Sprintf("%06d", i)
			m, err := c.Compose(otp.ForgotPassword, letter(ch, "en", map[string]string{"brand": name}), codeOf(t, code), time.Minute)
			if err != nil || !strings.Contains(m.Text, name) || !strings.Contains(m.Text, code) {
				t.Errorf("letter %d: %v", i, err)
			}
			c.Declares(otp.ForgotPassword, ch)
		})
	}
	wg.Wait()
}
