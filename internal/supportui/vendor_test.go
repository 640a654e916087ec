package supportui_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestFilesFromElsewhereAreAsTheyCame(t *testing.T) {
	t.Parallel()
	note, err := os.ReadFile("VENDOR.md")
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z.-]+)` \\|.*`([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(note), -1) {
		written[m[1]] = m[2]
	}
	came, err := filepath.Glob("static/*.min.js")
	if err != nil {
		t.Fatal(err)
	}
	if len(came) == 0 || len(came) != len(written) {
		t.Errorf("%d files, and %d in VENDOR.md", len(came), len(written))
	}
	for _, path := range came {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(text); written[filepath.Base(path)] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s is not what VENDOR.md says: %x", path, sum)
		}
	}
}
