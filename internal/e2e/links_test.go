package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	linkForm    = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	headingForm = regexp.MustCompile(`(?m)^#+ (.*)$`)
	codeForm    = regexp.MustCompile("(?s)```.*?```")
)

// documents are all documents, from the root of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CHANGELOG.md"}
	for _, pattern := range []string{"docs/*.md", "docs/adr/*.md"} {
		found, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range found {
			all = append(all, strings.TrimPrefix(filepath.ToSlash(path), "../../"))
		}
	}
	return all
}

func document(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return codeForm.ReplaceAllString(string(text), "")
}

// anchors are where links into a page may lead, as GitHub makes them.
func anchors(text string) (all []string) {
	for _, m := range headingForm.FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N}\- ]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(strings.TrimSpace(name), " ", "-"))
	}
	return all
}

func TestEveryLinkOfTheDocumentsLeadsSomewhere(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, from := range documents(t) {
		for _, m := range linkForm.FindAllStringSubmatch(document(t, from), -1) {
			link := m[1] + m[2]
			if strings.Contains(link, "://") {
				continue
			}
			seen++
			file, anchor, _ := strings.Cut(link, "#")
			to := filepath.Join(filepath.Dir(from), file)
			if file == "" {
				to = from
			}
			if _, err := os.Stat(filepath.Join("../..", to)); err != nil {
				t.Errorf("%s: %s is not there", from, link)
			} else if anchor != "" && !slices.Contains(anchors(document(t, to)), anchor) {
				t.Errorf("%s: %s has no such part", from, link)
			}
		}
	}
	if seen < 50 {
		t.Errorf("%d links", seen)
	}
}
