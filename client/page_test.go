package client_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What docs/client.md shows is a piece of an example, so that it compiles and runs.
func TestThePageShowsWhatTheExamplesDo(t *testing.T) {
	t.Parallel()
	page := read(t, "../docs/client.md")
	examples := flat(read(t, "example_test.go") + read(t, "event_test.go"))
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(page, -1)
	if len(blocks) < 4 {
		t.Fatalf("%d pieces of code", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(examples, flat(b[1])) {
			t.Errorf("no example has this:\n%s", b[1])
		}
	}
}

// Every error that the page names is there.
func TestThePageNamesErrorsThatAre(t *testing.T) {
	t.Parallel()
	source := read(t, "error.go") + read(t, "event.go")
	for _, name := range regexp.MustCompile(`\bErr[A-Z]\w+`).FindAllString(read(t, "../docs/client.md"), -1) {
		if !regexp.MustCompile(`(?m)^\s*(var )?` + name + ` `).MatchString(source) {
			t.Errorf("there is no %s", name)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// flat is code without its indentation.
func flat(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}
