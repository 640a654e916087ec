package leaktest

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// Needles are words that must stand nowhere: runs of digits as a whole, and
// texts anywhere, in upper or lower case.
type Needles struct {
	runs  map[string]bool
	texts map[string]string // in lower case, with what it means
}

// NewNeedles has none yet.
func NewNeedles() Needles { return Needles{map[string]bool{}, map[string]string{}} }

// Len is how many words are looked for.
func (n Needles) Len() int { return len(n.runs) + len(n.texts) }

// Code adds a code of ten digits, backwards too, in two or three groups, and
// encoded. It counts only as a whole run of digits, neither more nor fewer: the
// only other runs of ten are unix times, which makes chance hits very rare.
func (n Needles) Code(code string) {
	backwards := []byte(code)
	slices.Reverse(backwards)
	n.runs[code], n.runs[string(backwards)] = true, true
	for _, sep := range []string{" ", "-", ".", "_"} {
		n.texts[code[:len(code)/2]+sep+code[len(code)/2:]] = "a code in two groups"
		n.texts[code[:3]+sep+code[3:6]+sep+code[6:]] = "a code in three groups"
	}
	n.encoded(code)
}

// Address adds an address, with and without its plus or its domain.
func (n Needles) Address(to string) {
	short := strings.TrimPrefix(to, "+")
	if local, _, mail := strings.Cut(to, "@"); mail {
		short = strings.TrimSpace(local)
	}
	n.texts[strings.ToLower(short)] = to
	n.encoded(short)
	n.encoded(to)
}

// Secret adds a word that is none of these, such as a key.
func (n Needles) Secret(what, word string) {
	n.texts[strings.ToLower(word)] = what
	n.encoded(word)
}

// encoded adds a text in hex, and in base64 at each of the three places where it
// may begin within a longer text; what depends on its neighbours is left out.
func (n Needles) encoded(text string) {
	n.texts[hex.EncodeToString([]byte(text))] = "hex of " + text
	for shift := range 3 {
		padded := append(make([]byte, shift), text...)
		whole := len(padded) / 3 * 3
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			s := enc.EncodeToString(padded[:whole])
			if shift > 0 {
				s = s[4:]
			}
			if len(s) >= headSize {
				n.texts[strings.ToLower(s)] = "base64 of " + text
			}
		}
	}
}
