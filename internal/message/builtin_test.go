package message_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/templates"
)

var update = flag.Bool("update", false, "write the golden files anew")

// locales are those that otpipe speaks.
var locales = []string{"ar", "de", "en", "es", "fr", "hi", "pt"}

// everyNamespace is the built-in ones and one of an operator's own, which the
// default templates are for.
func everyNamespace() map[otp.Namespace]otp.Policy {
	all := otp.BuiltIn()
	all["close-account"] = otp.DefaultPolicy()
	return all
}

// eachMessage goes through all built-in messages.
func eachMessage(t *testing.T, do func(locale string, ns otp.Namespace, ch otp.Channel, m otp.Message)) {
	t.Helper()
	c := builtIn(t, everyNamespace())
	for _, locale := range locales {
		for ns, policy := range everyNamespace() {
			for _, ch := range policy.Channels {
				do(locale, ns, ch, compose(t, c, ns, letter(ch, locale, nil), "123456"))
			}
		}
	}
}

// textsOf are the texts of a message by the part of a file's name.
func textsOf(m otp.Message, ch otp.Channel) map[string]string {
	if ch == otp.SMS {
		return map[string]string{"sms.txt": m.Text + "\n"}
	}
	return map[string]string{"email.subject.txt": m.Subject + "\n", "email.txt": m.Text, "email.html": m.HTML}
}

func TestTheBuiltInMessages(t *testing.T) {
	t.Parallel()
	eachMessage(t, func(locale string, ns otp.Namespace, ch otp.Channel, m otp.Message) {
		for part, text := range textsOf(m, ch) {
			golden(t, goldenFile(locale, ns, part), text)
		}
	})
}

func goldenFile(locale string, ns otp.Namespace, part string) string {
	return filepath.Join("testdata", locale, fmt.Sprintf("%s.%s.golden", ns, part))
}

// golden compares a text with a file of testdata, or writes it there.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s: %s", file, d)
	}
}

func TestTheGoldenFilesAreThoseOfTheBuiltInMessages(t *testing.T) {
	t.Parallel()
	var want []string
	eachMessage(t, func(locale string, ns otp.Namespace, ch otp.Channel, m otp.Message) {
		for part := range textsOf(m, ch) {
			want = append(want, goldenFile(locale, ns, part))
		}
	})
	got, err := filepath.Glob("testdata/*/*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestEveryLocaleHasEveryPartInItsOwnWords(t *testing.T) {
	t.Parallel()
	english := filesOf(t, "en")
	for _, locale := range locales {
		files := filesOf(t, locale)
		for name, text := range english {
			switch own, ok := files[name]; {
			case !ok:
				t.Errorf("%s has no %s", locale, name)
			case locale != "en" && own == text:
				t.Errorf("%s/%s is in English", locale, name)
			}
		}
		if len(files) != len(english) {
			t.Errorf("%s has %d files, English %d", locale, len(files), len(english))
		}
	}
	c := builtIn(t, otp.BuiltIn())
	if d := cmp.Diff(locales, slices.Sorted(slices.Values(c.Locales()))); d != "" {
		t.Error(d)
	}
	if c.Locales()[0] != "en" {
		t.Errorf("the default is %s", c.Locales()[0])
	}
}

// filesOf are the templates of a locale by what follows it in their path.
func filesOf(t *testing.T, locale string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(templates.FS, locale, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(templates.FS, name)
		all[strings.TrimPrefix(name, locale+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryMessageSaysItsCodeItsBrandAndHowLongItLives(t *testing.T) {
	t.Parallel()
	eachMessage(t, func(locale string, ns otp.Namespace, ch otp.Channel, m otp.Message) {
		for part, text := range textsOf(m, ch) {
			wanted := []string{"Example", "123456", "5"}
			if part == "email.subject.txt" {
				wanted = wanted[:1]
			}
			for _, w := range wanted {
				if !strings.Contains(text, w) {
					t.Errorf("%s, %s, %s: nothing of %q in\n%s", locale, ns, part, w, text)
				}
			}
			if strings.Contains(text, "<no value>") || strings.Contains(text, "#") && part != "email.html" {
				t.Errorf("%s, %s, %s: something was not filled in:\n%s", locale, ns, part, text)
			}
		}
	})
}

// never is how each language says that nobody will ask for the code.
var never = map[string]string{
	"en": "Nobody from", "de": "Niemand von", "fr": "ne vous demandera jamais", "es": "nunca",
	"pt": "Ninguém da equipe", "hi": "कभी नहीं माँगेगा", "ar": "لن يطلب منك",
}

func TestEveryMailSaysThatNobodyWillAskForTheCode(t *testing.T) {
	t.Parallel()
	eachMessage(t, func(locale string, ns otp.Namespace, ch otp.Channel, m otp.Message) {
		if ch == otp.Email && (!strings.Contains(m.Text, never[locale]) || !strings.Contains(m.HTML, never[locale])) {
			t.Errorf("%s, %s: %s", locale, ns, m.Text)
		}
	})
}

func TestTheTwoFormsOfAMailSayTheSame(t *testing.T) {
	t.Parallel()
	markup := regexp.MustCompile(`(?s)<head>.*</head>|<[^>]*>`)
	isolates := strings.NewReplacer("\u2068", "", "\u2069", "", "&nbsp;", "\u00a0")
	eachMessage(t, func(locale string, ns otp.Namespace, ch otp.Channel, m otp.Message) {
		if ch != otp.Email {
			return
		}
		text := strings.Fields(isolates.Replace(m.Text))
		html := strings.Fields(isolates.Replace(markup.ReplaceAllString(m.HTML, "")))
		if d := cmp.Diff(text, html); d != "" {
			t.Errorf("%s, %s: %s", locale, ns, d)
		}
	})
}

func TestTheMailsOfAllLocalesHaveOneFormAndFallOutInItsDirection(t *testing.T) {
	t.Parallel()
	english := form(filesOf(t, "en")["default/email.html"])
	for _, locale := range locales {
		html := filesOf(t, locale)["default/email.html"]
		direction := "ltr"
		if locale == "ar" {
			direction = "rtl"
		}
		for _, tag := range []string{"<html", `<table role="presentation" class="ground"`} { // some clients drop <html>
			if want := fmt.Sprintf(`%s lang="%s" dir="%s"`, tag, locale, direction); !strings.Contains(html, want) {
				t.Errorf("%s has no %s", locale, want)
			}
		}
		if d := cmp.Diff(english, form(html)); d != "" {
			t.Errorf("%s: %s", locale, d)
		}
	}
}

var (
	betweenTags = regexp.MustCompile(`>[^<]*<`)
	ofLanguage  = regexp.MustCompile(` lang="[a-z]+" dir="[a-z]+"| align="(left|right)"`)
	inSentences = regexp.MustCompile(`</?bdi>`)
)

// form is a mail without its words.
func form(html string) string {
	_, body, _ := strings.Cut(html, "</title>")
	return betweenTags.ReplaceAllString(ofLanguage.ReplaceAllString(inSentences.ReplaceAllString(body, ""), ""), "><")
}

func TestAMailHasNoImagesLinksOrScriptsAndStylesForBothSchemes(t *testing.T) {
	t.Parallel()
	eachMessage(t, func(locale string, ns otp.Namespace, ch otp.Channel, m otp.Message) {
		if ch != otp.Email {
			return
		}
		for _, bad := range []string{"<img", "<a ", "<script", "<link", "url(", "http:", "https:", "@import"} {
			if strings.Contains(m.HTML, bad) {
				t.Errorf("%s, %s: %s", locale, ns, bad)
			}
		}
		for _, good := range []string{`<meta name="color-scheme" content="light dark">`, "@media (prefers-color-scheme: dark)", `dir="ltr" style="`} {
			if !strings.Contains(m.HTML, good) {
				t.Errorf("%s, %s: no %s", locale, ns, good)
			}
		}
	})
}

// The brand is written from left to right in a sentence that is not, and may end
// with a mark that belongs to no direction.
func TestABrandIsIsolatedWhereTheTextRunsFromRightToLeft(t *testing.T) {
	t.Parallel()
	c := builtIn(t, otp.BuiltIn())
	m := compose(t, c, otp.VerifyEmail, letter(otp.Email, "ar", map[string]string{"brand": "Yahoo!"}), "123456")
	for where, text := range map[string]string{"subject": m.Subject, "text": m.Text} {
		if strings.Count(text, "Yahoo!") == 0 || strings.Count(text, "Yahoo!") != strings.Count(text, "\u2068Yahoo!\u2069") {
			t.Errorf("%s: %q", where, text)
		}
	}
	if n := strings.Count(m.HTML, "<bdi>Yahoo!</bdi>"); n != 2 {
		t.Errorf("HTML: %d", n)
	}
}

// One minute, two, a few and many are not the same word.
func TestMinutesAreCountedAsEachLanguageCounts(t *testing.T) {
	t.Parallel()
	c := builtIn(t, otp.BuiltIn())
	for locale, want := range map[string]map[int]string{
		"en": {1: "1 minute and", 2: "2 minutes and", 15: "15 minutes and"},
		"de": {1: "1 Minute gültig", 2: "2 Minuten gültig", 15: "15 Minuten gültig"},
		"fr": {1: "1 minute et", 2: "2 minutes et", 15: "15 minutes et"},
		"es": {1: "1 minuto y", 2: "2 minutos y", 15: "15 minutos y"},
		"pt": {1: "1 minuto e", 2: "2 minutos e", 15: "15 minutos e"},
		"hi": {1: "1 मिनट तक", 2: "2 मिनट तक", 15: "15 मिनट तक"},
		"ar": {1: "لمدة دقيقة واحدة", 2: "لمدة دقيقتين", 3: "لمدة 3 دقائق", 10: "لمدة 10 دقائق", 11: "لمدة 11 دقيقة", 15: "لمدة 15 دقيقة"},
	} {
		for n, words := range want {
			m, err := c.Compose(otp.VerifyEmail, letter(otp.Email, locale, nil), codeOf(t, "123456"), time.Duration(n)*time.Minute)
			if err != nil || !strings.Contains(m.Text, words) || !strings.Contains(m.HTML, words) {
				t.Errorf("%s, %d: %v\n%s", locale, n, err, m.Text)
			}
		}
	}
}

func TestABuiltInLocaleIsTheNearestToTheOneThatIsAskedFor(t *testing.T) {
	t.Parallel()
	c := builtIn(t, otp.BuiltIn())
	texts := map[string]string{}
	for _, locale := range locales {
		texts[locale] = compose(t, c, otp.PhoneAuth, letter(otp.SMS, locale, nil), "123456").Text
	}
	for asked, want := range map[string]string{
		"": "en", "en-US": "en", "zh": "en", "zh-Hant-TW": "en", "ja": "en", "not a locale": "en",
		"de-AT": "de", "de-Latn-CH": "de", "gsw": "de", "fr-CA": "fr", "es-419": "es", "es-MX": "es",
		"pt-BR": "pt", "pt-PT": "pt", "hi-IN": "hi", "ar-EG": "ar", "AR": "ar",
	} {
		if got := compose(t, c, otp.PhoneAuth, letter(otp.SMS, asked, nil), "123456").Text; got != texts[want] {
			t.Errorf("%q: want %s, got %s", asked, want, got)
		}
	}
}

func TestAnotherLocaleMayBeTheDefault(t *testing.T) {
	t.Parallel()
	c, err := message.New(templates.FS, otp.BuiltIn(), message.Settings{Params: brand, Locale: "pt"})
	if err != nil {
		t.Fatal(err)
	}
	for _, asked := range []string{"", "zh", "pt-BR"} {
		if m := compose(t, c, otp.PhoneAuth, letter(otp.SMS, asked, nil), "123456"); !strings.Contains(m.Text, "PIN") {
			t.Errorf("%q: %s", asked, m.Text)
		}
	}
	if m := compose(t, c, otp.PhoneAuth, letter(otp.SMS, "en-GB", nil), "123456"); !strings.Contains(m.Text, "to sign in") {
		t.Error(m.Text)
	}
	if _, err := message.New(templates.FS, otp.BuiltIn(), message.Settings{Params: brand, Locale: "ja"}); err == nil || !strings.Contains(err.Error(), "messages.default_locale") {
		t.Errorf("a default that is not there: %v", err)
	}
}
