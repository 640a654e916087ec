// Package leaktest looks for secrets where none may be: in dumps, files, logs and
// whatever else a run leaves behind. It is imported by tests alone.
package leaktest

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Haystack is what must not hold a needle.
type Haystack struct{ texts []hay }

type hay struct {
	name string
	text []byte
}

// Add adds a text.
func (h *Haystack) Add(name string, text []byte) { h.texts = append(h.texts, hay{name, text}) }

// AddFile adds what a file holds.
func (h *Haystack) AddFile(t testing.TB, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	h.Add(filepath.Base(name), text)
}

// AddFiles takes what the files of a directory and of those below it hold.
func (h *Haystack) AddFiles(t testing.TB, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			h.AddFile(t, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Texts is how many there are.
func (h *Haystack) Texts() int { return len(h.texts) }

// Size is how many bytes they have.
func (h *Haystack) Size() (n int) {
	for _, t := range h.texts {
		n += len(t.text)
	}
	return n
}

// headSize is how much of a text is looked for at first.
const headSize = 8

// Search fails the test for every needle that is found, and says how many were.
func (h *Haystack) Search(t testing.TB, n Needles) (found int) {
	t.Helper()
	var heads [1 << 16]bool // by the first two bytes of a text
	byHead := map[string][]string{}
	for _, text := range slices.Sorted(maps.Keys(n.texts)) {
		if len(text) < headSize {
			t.Fatalf("%q is too short to look for", text)
		}
		heads[int(text[0])<<8|int(text[1])] = true
		byHead[text[:headSize]] = append(byHead[text[:headSize]], text)
	}
	report := func(hay hay, at int, what string) {
		if found++; found <= 20 {
			t.Errorf("%s holds %s: …%q…", hay.name, what, hay.text[max(0, at-80):min(len(hay.text), at+60)])
		}
	}
	for _, hay := range h.texts {
		for _, at := range runs(hay.text, n.runs) {
			report(hay, at, "a code")
		}
		lower := lowered(hay.text)
		for i := range max(0, len(lower)-headSize) {
			if !heads[int(lower[i])<<8|int(lower[i+1])] {
				continue
			}
			for _, text := range byHead[string(lower[i:i+headSize])] {
				if bytes.HasPrefix(lower[i:], []byte(text)) {
					report(hay, i, n.texts[text])
				}
			}
		}
	}
	if found > 20 {
		t.Errorf("%d findings in all", found)
	}
	return found
}

// lowered is a text with its letters of ASCII in lower case and all else where it
// was: what is searched is no text of any alphabet.
func lowered(text []byte) []byte {
	lower := bytes.Clone(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return lower
}

// runs lists where one of the wanted runs of digits stands, as a whole.
func runs(text []byte, wanted map[string]bool) (at []int) {
	begin := -1
	for i := range len(text) + 1 {
		digit := i < len(text) && '0' <= text[i] && text[i] <= '9'
		switch {
		case digit && begin < 0:
			begin = i
		case !digit && begin >= 0:
			if wanted[string(text[begin:i])] {
				at = append(at, begin)
			}
			begin = -1
		}
	}
	return at
}
