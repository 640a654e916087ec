package check_test

import (
	"bytes"
	"debug/elf"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

func stages(t *testing.T) []instructions.Stage {
	t.Helper()
	parsed, err := parser.Parse(bytes.NewReader([]byte(read(t, "deploy", "Dockerfile"))))
	if err != nil {
		t.Fatal(err)
	}
	warn := func(rule, _, _, text string, at []parser.Range) { t.Errorf("%s: %s %v", rule, text, at) }
	all, _, err := instructions.Parse(parsed.AST, linter.New(&linter.Config{Warn: warn}))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheImageHasNoShellAndNoRoot(t *testing.T) {
	t.Parallel()
	all := stages(t)
	last := all[len(all)-1]
	if !strings.HasPrefix(last.BaseName, "gcr.io/distroless/static-") || !strings.HasSuffix(last.BaseName, ":nonroot") {
		t.Errorf("the image is made of %s", last.BaseName)
	}
	var user string
	for _, c := range last.Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = c.User
		case *instructions.RunCommand:
			t.Errorf("there is no shell to run %v", c.CmdLine)
		case *instructions.CmdCommand:
			if c.PrependShell || !slices.Equal(c.CmdLine, []string{"/usr/local/bin/api"}) {
				t.Errorf("it starts %v", c.CmdLine)
			}
		}
	}
	if user != "65532:65532" {
		t.Errorf("it runs as %q", user)
	}
}

// imageBuild is what the Dockerfile builds, and how.
func imageBuild(t *testing.T) (flags, programs []string) {
	t.Helper()
	found := regexp.MustCompile(`CGO_ENABLED=0 GOOS=\$TARGETOS GOARCH=\$TARGETARCH go build ([^\n]*) -o /out/ ([^\n]*)`).FindStringSubmatch(read(t, "deploy", "Dockerfile"))
	if found == nil {
		t.Fatal("the Dockerfile builds otherwise than this test knows")
	}
	return strings.Fields(found[1]), strings.Fields(found[2])
}

func build(t *testing.T, dir, out string, flags []string, programs ...string) {
	t.Helper()
	args := append(append([]string{"build", "-o", out}, flags...), programs...)
	run(t, dir, []string{"CGO_ENABLED=0"}, "go", args...)
}

// The image's build is run, but for the place: what comes out needs nothing of the
// image that it goes into.
func TestWhatGoesIntoTheImageIsStatic(t *testing.T) {
	t.Parallel()
	out := t.TempDir() + "/"
	flags, programs := imageBuild(t)
	build(t, root, out, flags, programs...)
	for _, name := range []string{"api", "worker", "otpctl"} {
		f, err := elf.Open(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		libraries, err := f.ImportedLibraries()
		if _ = f.Close(); err != nil || len(libraries) > 0 {
			t.Errorf("%s needs %v: %v", name, libraries, err)
		}
		version := "-version"
		if name == "otpctl" {
			version = "--version"
		}
		if said := run(t, out, nil, filepath.Join(out, name), version); !strings.Contains(said, name) {
			t.Errorf("%s says %q", name, said)
		}
	}
}

// Go writes into a program which commit it is of, and +dirty if a file of that
// commit is not there.
func TestTheImageIsBuiltOfTheWholeCommit(t *testing.T) {
	t.Parallel()
	patterns, err := ignorefile.ReadAll(strings.NewReader(read(t, "deploy", "Dockerfile.dockerignore")))
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(run(t, root, nil, tool(t, "git", "the files are those of a checkout"), "ls-files"))
	if len(files) < 100 {
		t.Fatalf("%d files", len(files))
	}
	for _, file := range append(files, ".git/HEAD") {
		if out, err := ignored.MatchesOrParentMatches(file); err != nil || out {
			t.Errorf("%s is kept out of the build: %v", file, err)
		}
	}
	for _, secret := range []string{".env", "deploy/.env", "otpipe.toml", "tls/key.pem"} {
		if out, err := ignored.MatchesOrParentMatches(secret); err != nil || !out {
			t.Errorf("%s goes into the build: %v", secret, err)
		}
	}
}
