package message_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/message"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/templates"
)

// over puts files of one's own over the built-in templates.
func over(t *testing.T, files map[string]string, namespaces map[otp.Namespace]otp.Policy) *message.Composer {
	t.Helper()
	all, err := message.Overlay(tree(files), templates.FS, namespaces)
	if err != nil {
		t.Fatal(err)
	}
	c, err := message.New(all, namespaces, message.Settings{Params: brand})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOneFileOfADirectoryGoesBeforeTheBuiltInOneAndNothingElseChanges(t *testing.T) {
	t.Parallel()
	c := over(t, map[string]string{"de/default/sms.txt": "{{.Code}} {{.Purpose}}"}, otp.BuiltIn())
	before := builtIn(t, otp.BuiltIn())
	if m := compose(t, c, otp.PhoneAuth, letter(otp.SMS, "de", nil), "123456"); m.Text != "123456 zum Anmelden" {
		t.Error(m.Text)
	}
	for what, l := range map[string]otp.Letter{"a mail": letter(otp.Email, "de", nil), "another locale": letter(otp.SMS, "en", nil)} {
		if d := cmp.Diff(compose(t, before, otp.ForgotPassword, l, "123456"), compose(t, c, otp.ForgotPassword, l, "123456"), cmp.Comparer(same)); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
}

func same(a, b otp.Message) bool {
	return a.Subject == b.Subject && a.Text == b.Text && a.HTML == b.HTML
}

func TestADirectoryMayBringALocaleAndANamespacesOwnFiles(t *testing.T) {
	t.Parallel()
	all := otp.BuiltIn()
	all["close-account"] = otp.DefaultPolicy()
	files := map[string]string{"fr/close-account/purpose.txt": "pour fermer votre compte\n"}
	for _, part := range []string{"purpose.txt", "sms.txt", "email.subject.txt", "email.txt", "email.html"} {
		files["sv/default/"+part] = "på svenska {{.Params.brand}}"
	}
	c := over(t, files, all)
	if m := compose(t, c, otp.PhoneAuth, letter(otp.SMS, "sv-FI", nil), "123456"); m.Text != "på svenska Example" {
		t.Error(m.Text)
	}
	if m := compose(t, c, "close-account", letter(otp.SMS, "fr", nil), "123456"); !strings.Contains(m.Text, "pour fermer votre compte.") {
		t.Error(m.Text)
	}
}

func TestARegionMayDifferFromItsLanguageInOneFile(t *testing.T) {
	t.Parallel()
	c := over(t, map[string]string{"pt-PT/forgot-password/purpose.txt": "para repor a sua palavra-passe"}, otp.BuiltIn())
	for locale, want := range map[string]string{"pt-PT": "repor a sua palavra-passe. Vale por 5", "pt-BR": "redefinir a sua senha. Vale por 5", "pt": "redefinir a sua senha. Vale por 5"} {
		if m := compose(t, c, otp.ForgotPassword, letter(otp.SMS, locale, nil), "123456"); !strings.Contains(m.Text, want) {
			t.Errorf("%s: %s", locale, m.Text)
		}
	}
}

func TestAFileThatNoGrammarKnowsIsRefusedByItsName(t *testing.T) {
	t.Parallel()
	for name, why := range map[string]string{
		"sms.txt":                      "want files at <locale>/<namespace>/<part>",
		"de/sms.txt":                   "want files at <locale>/<namespace>/<part>",
		"de/default/old/sms.txt":       "want files at <locale>/<namespace>/<part>",
		"de/default/sms.text":          "want one of [email.html email.subject.txt email.txt purpose.txt sms.txt]",
		"de/default/sms.txt~":          "want one of",
		"de/default/SMS.txt":           "want one of",
		"de/phone-aut/sms.txt":         "there is no such namespace",
		"de/Default/sms.txt":           "there is no such namespace",
		"german/default/sms.txt":       "want a locale such as de, pt-PT or zh-Hant",
		"pt_BR/default/sms.txt":        "want a locale such as de, pt-PT or zh-Hant",
		"DE/default/sms.txt":           "want a locale such as de, pt-PT or zh-Hant",
		"und/default/sms.txt":          "want a locale such as de, pt-PT or zh-Hant",
		"README.md":                    "want files at <locale>/<namespace>/<part>",
		"de/default/email.subject.txt": "",
		"sr-Latn/phone-auth/sms.txt":   "",
		"de/ours/purpose.txt":          "",
		".git/HEAD":                    "",
		"de/.DS_Store":                 "",
	} {
		_, err := message.Overlay(tree(map[string]string{name: "x"}), templates.FS, map[otp.Namespace]otp.Policy{"ours": otp.DefaultPolicy()})
		switch {
		case why == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case why != "" && (err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "template "+strings.Split(name, "/")[0])):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryFileThatIsWrongIsTold(t *testing.T) {
	t.Parallel()
	_, err := message.Overlay(tree(map[string]string{"de/default/a.txt": "", "de/default/b.txt": "", "c.txt": ""}), templates.FS, otp.BuiltIn())
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Fatal(err)
	}
}

// A mounted volume is links to a directory with a name of its own.
func TestADirectoryOfLinksIsReadAsAMountedVolumeHasThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(dir, "..2026_01_01", "de", "default"), 0o755))
	must(os.WriteFile(filepath.Join(dir, "..2026_01_01", "de", "default", "sms.txt"), []byte("{{.Code}} verlinkt"), 0o644))
	must(os.Symlink("..2026_01_01", filepath.Join(dir, "..data")))
	must(os.Symlink(filepath.Join("..data", "de"), filepath.Join(dir, "de")))
	all, err := message.Overlay(os.DirFS(dir), templates.FS, otp.BuiltIn())
	must(err)
	c, err := message.New(all, otp.BuiltIn(), message.Settings{Params: brand})
	must(err)
	if m := compose(t, c, otp.PhoneAuth, letter(otp.SMS, "de", nil), "123456"); m.Text != "123456 verlinkt" {
		t.Error(m.Text)
	}
	must(os.WriteFile(filepath.Join(dir, "..2026_01_01", "de", "default", "smss.txt"), nil, 0o644))
	if _, err := message.Overlay(os.DirFS(dir), templates.FS, otp.BuiltIn()); err == nil || !strings.Contains(err.Error(), "de/default/smss.txt") {
		t.Errorf("behind a link: %v", err)
	}
}

func TestADirectoryThatIsNotThereOrCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := message.Overlay(os.DirFS(filepath.Join(t.TempDir(), "none")), templates.FS, otp.BuiltIn()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	broken := errors.New("disk on fire")
	if _, err := message.Overlay(unreadable{broken}, templates.FS, otp.BuiltIn()); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestTheTwoTreesAreListedAsOne(t *testing.T) {
	t.Parallel()
	upper := map[string]string{"en/default/sms.txt": "{{.Code}}", "pt-PT/default/purpose.txt": "x"}
	all, err := message.Overlay(tree(upper), tree(map[string]string{"en/default/sms.txt": "", "en/default/purpose.txt": "", "de/default/sms.txt": ""}), otp.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string][]string{".": {"de", "en", "pt-PT"}, "en/default": {"purpose.txt", "sms.txt"}, "de/default": {"sms.txt"}, "pt-PT/default": {"purpose.txt"}} {
		var got []string
		entries, err := fs.ReadDir(all, dir)
		for _, e := range entries {
			got = append(got, e.Name())
		}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", dir, err, d)
		}
	}
	if _, err := fs.ReadDir(all, "fr"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that neither has: %v", err)
	}
	if b, err := fs.ReadFile(all, "en/default/sms.txt"); err != nil || string(b) != "{{.Code}}" {
		t.Errorf("%q, %v", b, err)
	}
}
