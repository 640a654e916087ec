package config_test

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

// planted is a secret as they are made: with capitals, digits and signs.
const planted = "S3cR3t+pLaNt3d/4U=9"

// plants are ways to have a secret in a file, or in the wrong place of it.
var plants = []string{
	planted, `"` + planted + `"`, "'" + planted, `"env:` + planted + `"`, "\n" + planted + " = 1\n", "\n\"" + planted + "\" = 1\n",
	"\n[" + planted + "]\n", "\n[namespaces.\"" + planted + "\"]\ndigits = 99\n", "\nanchor = \"" + planted + "\"\n", "\n# " + planted + "\n",
	"{ \"" + planted + "\" = 1 }", "[\"" + planted + "\", 1]", "." + planted,
}

// FuzzParse plants a secret anywhere in a file that may be wrong in any way.
// Nothing that is said about the file shows a part of it.
func FuzzParse(f *testing.F) {
	for i := range plants {
		f.Add(good, uint(i*97), uint(i))
		f.Add(good, uint(1000+i*53), uint(i))
		f.Add(least, uint(i*11), uint(i))
	}
	for _, text := range []string{
		"", "=", "[", "[[", "[[providers]]\n[providers.smtp]\nport = \"x\"", "callers = [{ name = 1 }, { name = 2 }]", "x = [\n1,\n", "x = \"\"\"\n", "[a]\n[a]\na.b.c = 1",
		"[namespaces.phone-auth]\nlocks = [900]\nlife = 1\nlife = 2", "providers = 1", "[keys.ring]\nid = 1", "a = { b = { c = [ { d = 1 } ] } }", "\xff\xfe", "a = 1979-05-27",
	} {
		f.Add(text, uint(len(text)), uint(0))
	}
	f.Fuzz(func(t *testing.T, text string, at, how uint) {
		if strings.Contains(text, "file:") {
			t.Skip("it could read anything")
		}
		i := int(at % uint(len(text)+1))
		text = text[:i] + plants[how%uint(len(plants))] + text[i:]
		_, err := config.Parse(file, []byte(text))
		if err == nil {
			return
		}
		for i := 0; i+6 <= len(planted); i++ {
			if part := planted[i : i+6]; strings.Contains(err.Error(), part) {
				t.Fatalf("the complaint shows %q:\n%s", part, err)
			}
		}
		for line := range strings.Lines(err.Error()) {
			if !strings.HasPrefix(line, file+":") {
				t.Fatalf("where? %s", line)
			}
		}
	})
}
