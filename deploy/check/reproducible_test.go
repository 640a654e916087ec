package check_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever distrusts a release builds its commit and compares: where it is built
// must not be seen in it.
func TestACommitIsTheSameBytesWhereverItIsBuilt(t *testing.T) {
	t.Parallel()
	git := tool(t, "git", "a commit is built")
	flags, programs := imageBuild(t)
	var first string
	for _, place := range []string{"here", "elsewhere/and/deeper"} {
		dir := filepath.Join(t.TempDir(), place)
		run(t, ".", nil, git, "clone", "-q", root, dir)
		build(t, dir, "bin/", flags, programs...)
		if first == "" {
			first = dir
			continue
		}
		for _, program := range programs {
			name := filepath.Join("bin", filepath.Base(program))
			if !bytes.Equal(contents(t, first, name), contents(t, dir, name)) {
				t.Errorf("%s is not the same in %s", name, place)
			}
		}
	}
}

func TestMakeBuildsWhatTheImageHas(t *testing.T) {
	t.Parallel()
	flags, programs := imageBuild(t)
	said := run(t, root, nil, tool(t, "make", "the Makefile is asked"), "--no-print-directory", "-n", "GO=go", "build")
	want := "CGO_ENABLED=0 go build " + strings.Join(flags, " ") + " -o bin/ " + strings.Join(programs, " ")
	if strings.TrimSpace(said) != want {
		t.Errorf("make build does\n%s\nthe image is made by\n%s", said, want)
	}
}

func contents(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
