package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/otpipe/otpipe/internal/otp"
)

// Messages is what all messages have in common.
type Messages struct {
	Brand         string            `toml:"brand"`          // your name as messages say it, where a request has no param "brand"
	Params        map[string]string `toml:"params"`         // likewise, of what templates of your own ask for
	DefaultLocale string            `toml:"default_locale"` // of a request whose own locale is not there
	Directory     string            `toml:"directory"`      // of templates that go before the built-in ones

	// A text ends with an origin or with a hash, not with both: each has to be
	// the last line.

	Origin        string            `toml:"origin"`         // host of the page that asked for the code, by which a browser fills it in
	Origins       map[string]string `toml:"origins"`        // the same for single namespaces
	AndroidHash   string            `toml:"android_hash"`   // the 11 characters that name your Android app, by which it reads the code
	AndroidHashes map[string]string `toml:"android_hashes"` // the same for single namespaces

	SMSSegments     int      `toml:"sms_segments"`     // what a text may cost with its longest code and params, in segments of 160 characters of GSM-7
	UnicodeLocales  []string `toml:"unicode_locales"`  // whose texts may leave that alphabet; "*" is all
	UnicodeSegments int      `toml:"unicode_segments"` // what those may cost, in segments of 70 characters
}

func defaultMessages() Messages {
	return Messages{Brand: "otpipe", DefaultLocale: "en", SMSSegments: 1, UnicodeLocales: []string{"ar", "hi"}, UnicodeSegments: 2}
}

// maxSegments is what vendors join to one text.
const maxSegments = 10

var (
	// hostForm is a name as DNS has it: international ones in their ASCII form.
	hostForm  = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$|^localhost$`)
	appForm   = regexp.MustCompile(`^[A-Za-z0-9+/]{11}$`)
	paramForm = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
)

// Ending is the last line of a namespace's texts: an origin, an app's hash, or
// neither. What is said of the namespace goes before what is said of all.
func (m Messages) Ending(ns otp.Namespace) (origin, hash string) {
	origin, hasOrigin := m.Origins[string(ns)]
	hash, hasHash := m.AndroidHashes[string(ns)]
	if hasOrigin || hasHash {
		return origin, hash
	}
	return m.Origin, m.AndroidHash
}

func (c Config) checkMessages(cs *complaints) {
	m := c.Messages
	cs.want(strings.TrimSpace(m.Brand) != "" && !strings.ContainsFunc(m.Brand, unicode.IsControl), "messages.brand", "want the name that people know you by, on one line")
	for _, name := range slices.Sorted(maps.Keys(m.Params)) {
		cs.want(paramForm.MatchString(name) && name != "brand", "messages.params", "want names of letters, digits and _, and brand by messages.brand")
		cs.want(!strings.ContainsFunc(m.Params[name], unicode.IsControl), "messages.params", "want values of one line")
	}
	cs.want(m.DefaultLocale != "", "messages.default_locale", "want a locale that there are templates for, such as en")
	cs.want(m.SMSSegments >= 1 && m.SMSSegments <= maxSegments, "messages.sms_segments", "want 1 to %d", maxSegments)
	cs.want(m.UnicodeSegments >= 1 && m.UnicodeSegments <= maxSegments, "messages.unicode_segments", "want 1 to %d", maxSegments)
	m.checkEndings(cs, c.Policies())
}

func (m Messages) checkEndings(cs *complaints, namespaces map[otp.Namespace]otp.Policy) {
	for _, line := range []struct {
		all, each string // the settings' names
		values    map[string]string
		form      *regexp.Regexp
		want      string
	}{
		{"messages.origin", "messages.origins", with(m.Origins, m.Origin), hostForm, "want the host of your page alone, such as example.com: no https://, no port, no path"},
		{"messages.android_hash", "messages.android_hashes", with(m.AndroidHashes, m.AndroidHash), appForm, "want the 11 characters that Google's SMS Retriever names your app by"},
	} {
		for _, name := range slices.Sorted(maps.Keys(line.values)) {
			where := line.each
			if name == "" {
				where = line.all
			}
			_, known := namespaces[otp.Namespace(name)]
			cs.want(known || name == "", where, "one of them is not a namespace")
			cs.want(line.values[name] == "" || line.form.MatchString(line.values[name]), where, "%s", line.want)
		}
	}
	var both []string
	for _, ns := range slices.Sorted(maps.Keys(namespaces)) {
		if origin, hash := m.Ending(ns); origin != "" && hash != "" && namespaces[ns].Allows(otp.SMS) {
			both = append(both, string(ns))
		}
	}
	cs.want(both == nil, "messages.origin", "there is an Android hash too, and each must be the last line of a text: choose one for %s, in messages.origins or messages.android_hashes", strings.Join(both, ", "))
}

// with adds what holds for all namespaces under the name that none has.
func with(each map[string]string, all string) map[string]string {
	values := map[string]string{"": all}
	maps.Copy(values, each)
	return values
}
