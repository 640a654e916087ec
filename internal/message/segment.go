package message

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// Encoding is how a text goes over the air.
type Encoding string

// The encodings of 3GPP TS 23.038.
const (
	GSM7 Encoding = "GSM-7" // §6.2.1, seven bits a character; those of §6.2.1.1 cost two
	UCS2 Encoding = "UCS-2" // §6.2.3, sixteen bits a character; those beyond the first plane cost two
)

// A segment carries 140 octets. In a text of several, each gives six of them to
// the header that puts them together again (3GPP TS 23.040 §9.2.3.24.1).
var (
	alone  = map[Encoding]int{GSM7: 160, UCS2: 70}
	joined = map[Encoding]int{GSM7: 153, UCS2: 67}
)

const (
	// gsmBasic is the default alphabet without its escape character (TS 23.038 §6.2.1).
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	// gsmExtension is what stands behind the escape character (TS 23.038 §6.2.1.1).
	gsmExtension = "\f^{}\\[~]|€"
)

// gsmUnits is what a character of GSM-7 costs; one that is not there is none.
var gsmUnits = func() map[rune]int {
	all := map[rune]int{}
	for _, r := range gsmBasic {
		all[r] = 1
	}
	for _, r := range gsmExtension {
		all[r] = 2
	}
	return all
}()

// Cost is what a text costs to send.
type Cost struct {
	Encoding Encoding
	Units    int // septets of GSM-7, or 16-bit units of UCS-2
	Segments int
	Odd      rune // the first character that is not in GSM-7; 0 if there is none
	Position int  // of Odd among the characters, from 1
}

// Measure tells what a text costs.
func Measure(text string) Cost {
	c := Cost{Encoding: GSM7}
	position := 0
	for _, r := range text {
		position++
		if gsmUnits[r] == 0 {
			c.Encoding, c.Odd, c.Position = UCS2, r, position
			break
		}
	}
	c.Units, c.Segments = split(text, c.Encoding)
	return c
}

// split counts units and segments. A character of two units is never divided
// between two segments.
func split(text string, e Encoding) (units, segments int) {
	last := 0 // units in the last segment, were there several
	for _, r := range text {
		n := width(r, e)
		units += n
		if last += n; last > joined[e] {
			segments, last = segments+1, n
		}
	}
	if units <= alone[e] {
		return units, min(units, 1)
	}
	return units, segments + 1
}

func width(r rune, e Encoding) int {
	if e == GSM7 {
		return gsmUnits[r]
	}
	return max(utf16.RuneLen(r), 1)
}

// String is for people, such as "1 segment, 98 of 160 characters of GSM-7".
func (c Cost) String() string {
	room, plural := alone[c.Encoding], ""
	if c.Segments > 1 {
		room, plural = joined[c.Encoding]*c.Segments, "s"
	}
	return fmt.Sprintf("%d segment%s, %d of %d characters of %s", c.Segments, plural, c.Units, room, c.Encoding)
}

// gsmFiller is n characters that cost one unit each.
func gsmFiller(n int) string { return strings.Repeat("n", max(n, 0)) }
