package check_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/licenses.md")

const licenses = "../../docs/licenses.md"

// A new module must be under a licence that is known to go with otpipe's own, and
// the list that ships must name it.
func TestTheListOfLicencesIsOfAllThatIsLinked(t *testing.T) {
	t.Parallel()
	list := licensesHead
	for _, m := range linked(t) {
		license := licenseOf(text(t, m.dir))
		if license == "" {
			t.Errorf("%s: its licence is not one of those that may be linked", m.path)
		}
		list += fmt.Sprintf("| %s | %s | %s |\n", m.path, m.version, license)
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(licenses, []byte(list), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, "docs", "licenses.md") != list {
		t.Error("docs/licenses.md is not what is linked: make licenses")
	}
}

func TestALicenceThatIsNotKnownIsRefused(t *testing.T) {
	t.Parallel()
	const mit = "Permission is hereby granted, free of charge, to any person obtaining a copy"
	for text, want := range map[string]string{
		mit: "MIT",
		"Permission is hereby granted,\n free of charge, to any person": "MIT",
		"Apache License\n  Version 2.0, January 2004":                   "Apache-2.0",
		"GNU GENERAL PUBLIC LICENSE Version 3":                          "",
		"GNU Affero General Public License. " + mit:                     "",
		mit + " ... GNU Lesser General Public License":                  "",
		"Business Source License 1.1":                                   "",
		"":                                                              "",
	} {
		if got := licenseOf(text); got != want {
			t.Errorf("%q is taken for %q, want %q", text, got, want)
		}
	}
}

const licensesHead = `# Licences

The modules in ` + "`" + `api` + "`" + `, ` + "`" + `worker` + "`" + ` and ` + "`" + `otpctl` + "`" + ` as they are built for Linux, and the licence of each. ` + "`" + `make licenses` + "`" + ` writes
this page; a test refuses a module whose licence it does not know. otpipe itself is under the Apache License 2.0.

| module | version | licence |
|---|---|---|
`

// module is one that is linked into the programs of the image.
type module struct{ path, version, dir string }

func linked(t *testing.T) (all []module) {
	t.Helper()
	_, programs := imageBuild(t)
	const each = `{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}`
	args := append([]string{"list", "-deps", "-f", each}, programs...)
	seen := map[string]bool{}
	for line := range strings.Lines(run(t, root, []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64"}, "go", args...)) {
		if f := strings.Fields(line); len(f) == 3 && !seen[f[0]] {
			seen[f[0]] = true
			all = append(all, module{f[0], f[1], f[2]})
		}
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.path, b.path) })
	return all
}

// text is a module's licence, which lies at its root.
func text(t *testing.T, dir string) string {
	t.Helper()
	for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return string(b)
		}
	}
	return ""
}

// licenseOf knows a licence by words that only it has. What names the GNU licences
// is refused whatever else it says: such terms are read by a person.
func licenseOf(text string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	has := func(words string) bool { return strings.Contains(text, words) }
	switch {
	case has("general public license"), has("affero"):
		return ""
	case has("apache license version 2.0"):
		return "Apache-2.0"
	case has("permission is hereby granted, free of charge, to any person"):
		return "MIT"
	case has("redistributions of source code must retain") && has("endorse or promote"):
		return "BSD-3-Clause"
	case has("redistributions of source code must retain"):
		return "BSD-2-Clause"
	}
	return ""
}
