package message_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/templates"
)

// usual are the limits that hold where nothing is configured.
var usual = message.Limits{Segments: 1, Unicode: []string{"ar", "hi"}, UnicodeSegments: 2}

// originForAll makes all texts end with the same line.
func originForAll(namespaces map[otp.Namespace]otp.Policy, host string) map[otp.Namespace]message.Ending {
	all := map[otp.Namespace]message.Ending{}
	for ns := range namespaces {
		all[ns] = message.Ending{Origin: host}
	}
	return all
}

func TestABrandOutsideOfGSM7IsToldOnceForAllLocales(t *testing.T) {
	t.Parallel()
	c, err := message.New(templates.FS, otp.BuiltIn(), message.Settings{Params: map[string]string{"brand": "Noël"}})
	if err != nil {
		t.Fatal(err)
	}
	const want = "param brand: character 3 of its default, U+00EB 'ë' is not in the GSM-7 alphabet; with it the text of forgot-password is 2 segments, " +
		"100 of 134 characters of UCS-2: write it otherwise, or name en, de, es, fr, pt in messages.unicode_locales"
	if err := c.CheckTexts(usual); err == nil || err.Error() != want {
		t.Fatal(err)
	}
	all := usual
	all.Unicode = []string{message.AnyLocale}
	if err := c.CheckTexts(all); err != nil {
		t.Fatal(err)
	}
}

func TestTheBuiltInTextsCostWhatTheyMayWithAnOriginOfTwentyCharacters(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", "accounts.example.com"} {
		c, err := message.New(templates.FS, everyNamespace(), message.Settings{Params: brand, Ending: originForAll(everyNamespace(), host)})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.CheckTexts(usual); err != nil {
			t.Errorf("origin %q: %v", host, err)
		}
	}
}

func TestTheBuiltInTextsOutsideOfGSM7FitOneSegmentWithAnUsualBrandAndCode(t *testing.T) {
	t.Parallel()
	eachMessage(t, func(locale string, ns otp.Namespace, ch otp.Channel, m otp.Message) {
		if cost := message.Measure(m.Text); ch == otp.SMS && cost.Segments > 1 && ns != "close-account" {
			t.Errorf("%s, %s: %s", locale, ns, cost)
		}
	})
}

// complaintsOf checks a test's own templates, for a code of 6 digits and 5 minutes.
func complaintsOf(t *testing.T, l message.Limits, s message.Settings, files map[string]string) string {
	t.Helper()
	p := otp.DefaultPolicy()
	p.Channels = []otp.Channel{otp.SMS}
	c, err := message.New(tree(files), map[otp.Namespace]otp.Policy{"ours": p, "yours": p}, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckTexts(l); err != nil {
		return err.Error()
	}
	return ""
}

func TestTheCheckNamesTheCharacterThatBreaksATextAndItsPlace(t *testing.T) {
	t.Parallel()
	one := message.Limits{Segments: 1, UnicodeSegments: 1}
	long := strings.Repeat("x", 100)
	pt := sms("pt", "{{.Code}} é o código {{.Purpose}}\n"+long)
	maps.Copy(pt, sms("en", "{{.Code}}"))
	for name, row := range map[string]struct {
		limits   message.Limits
		settings message.Settings
		files    map[string]string
		want     string
	}{
		"in a text": {
			one,
			message.Settings{},
			pt,
			"template pt/default/sms.txt:1:16: U+00F3 'ó' is not in the GSM-7 alphabet; with it the text of ours is 2 segments, 126 of 134 characters of UCS-2: write it otherwise, or name pt in messages.unicode_locales",
		},
		"in a purpose": {
			one,
			message.Settings{},
			map[string]string{"en/default/sms.txt": "{{.Code}} {{.Purpose}}", "en/default/purpose.txt": "pour\nvérifier l’âme"},
			"template en/default/purpose.txt:2:11: U+2019 '’' is not in the GSM-7 alphabet; with it the text of ours is 1 segment, 26 of 70 characters of UCS-2: write it otherwise, or name en in messages.unicode_locales",
		},
		"in the brand": {
			one,
			message.Settings{Params: map[string]string{"brand": "Noël"}},
			sms("en", "{{.Code}} {{.Params.brand}}"),
			"param brand: character 3 of its default, U+00EB 'ë' is not in the GSM-7 alphabet; with it the text of ours is 1 segment, 11 of 70 characters of UCS-2: write it otherwise, or name en in messages.unicode_locales",
		},
		"in nothing that is written there": {
			one,
			message.Settings{},
			sms("en", `{{.Code}} {{"\u0161"}}`),
			"template en/default/sms.txt: character 8 of its text, U+0161 'š' is not in the GSM-7 alphabet; with it the text of ours is 1 segment, 8 of 70 characters of UCS-2: write it otherwise, or name en in messages.unicode_locales",
		},
		"allowed in this locale": {message.Limits{Segments: 1, Unicode: []string{"pt"}, UnicodeSegments: 2}, message.Settings{}, pt, ""},
		"allowed in all locales": {message.Limits{Segments: 1, Unicode: []string{"*"}, UnicodeSegments: 2}, message.Settings{}, pt, ""},
		"allowed, but too long": {
			message.Limits{Segments: 1, Unicode: []string{"pt"}, UnicodeSegments: 1},
			message.Settings{},
			pt,
			"template pt/default/sms.txt: the longest text, that of ours, is 2 segments, 126 of 134 characters of UCS-2: shorten it, its purpose or its origin, or allow more in messages.unicode_segments",
		},
		"a locale that there is not": {
			message.Limits{Segments: 1, Unicode: []string{"tlh"}},
			message.Settings{},
			sms("en", "{{.Code}}"),
			"messages.unicode_locales: there are no templates for tlh",
		},
	} {
		if d := cmp.Diff(row.want, complaintsOf(t, row.limits, row.settings, row.files)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestTheCheckCountsTheLongestTextThereCanBe(t *testing.T) {
	t.Parallel()
	n := func(times int) string { return strings.Repeat("n", times) }
	origin := message.Settings{Ending: originForAll(map[otp.Namespace]otp.Policy{"ours": {}, "yours": {}}, "example.com")} // 22 characters with the code
	brands := message.Settings{Params: map[string]string{"brand": ""}}
	longBrand := message.Settings{Params: map[string]string{"brand": n(100)}}
	for name, row := range map[string]struct {
		settings message.Settings
		text     string
		limit    int
		fits     bool
	}{
		"a code of six digits":            {message.Settings{}, "{{.Code}}" + n(154), 1, true},
		"and no character more":           {message.Settings{}, "{{.Code}}" + n(155), 1, false},
		"a param of 32 characters":        {brands, "{{.Params.brand}}" + n(128), 1, true},
		"and no more with it":             {brands, "{{.Params.brand}}" + n(129), 1, false},
		"a param whose default is longer": {longBrand, "{{.Params.brand}}" + n(60), 1, true},
		"and no more with that":           {longBrand, "{{.Params.brand}}" + n(61), 1, false},
		"an origin":                       {origin, n(138), 1, true},
		"and no more with it, too":        {origin, n(139), 1, false},
		"more if more is allowed":         {origin, n(284), 2, true},
		"but not more than that":          {origin, n(285), 2, false},
		"the minute with the longest word": {
			message.Settings{},
			`{{plural .Minutes "one" "` + n(161) + `" "other" "x"}}`, 1, false,
		},
		"no minute that never comes": {message.Settings{}, `{{if gt .Minutes 5}}` + n(161) + `{{end}}`, 1, true},
	} {
		got := complaintsOf(t, message.Limits{Segments: row.limit, UnicodeSegments: 1}, row.settings, sms("en", row.text))
		if (got == "") != row.fits {
			t.Errorf("%s: %q", name, got)
		}
		if !row.fits && (strings.Count(got, "\n") > 0 || !strings.Contains(got, "messages.sms_segments")) {
			t.Errorf("%s: want one complaint of the setting: %s", name, got)
		}
	}
}

func TestTheCheckCountsTheDigitsAndTheLifeOfTheNamespace(t *testing.T) {
	t.Parallel()
	n := strings.Repeat("n", 151)
	for text, byDigits := range map[string]map[int]bool{
		"{{.Code}}" + n: {4: true, 9: true, 10: false},
		"{{.Code}}{{if gt .Minutes 2}}" + n + n + "{{end}}": {4: true}, // a code of two minutes
	} {
		for digits, fits := range byDigits {
			p := otp.DefaultPolicy()
			p.Channels, p.Digits, p.Life = []otp.Channel{otp.SMS}, digits, 90*time.Second
			c, err := message.New(tree(sms("en", text)), map[otp.Namespace]otp.Policy{"ours": p}, message.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.CheckTexts(message.Limits{Segments: 1}); (err == nil) != fits {
				t.Errorf("%d digits: %v", digits, err)
			}
		}
	}
}

func TestEachCharacterIsToldOncePerFileAndEachFileOnceForItsLongest(t *testing.T) {
	t.Parallel()
	files := sms("en", "{{.Code}} ç {{.Purpose}}")
	files["en/yours/sms.txt"] = "{{.Code}} " + strings.Repeat("n", 200)
	maps.Copy(files, sms("de", "{{.Code}} {{.Purpose}} "+strings.Repeat("n", 150)))
	files["de/yours/purpose.txt"] = "a long purpose"
	files["de/ours/purpose.txt"] = "a short one"
	got := complaintsOf(t, message.Limits{Segments: 1}, message.Settings{}, files)
	lines := strings.Split(got, "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "template en/default/sms.txt:1:11: U+00E7") ||
		!strings.HasPrefix(lines[1], "template de/default/sms.txt: the longest text, that of yours,") || !strings.HasPrefix(lines[2], "template en/yours/sms.txt: the longest") {
		t.Fatal(got)
	}
}
