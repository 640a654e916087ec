package message_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/message"
)

// basic is the default alphabet as the table of TS 23.038 §6.2.1 has it, from
// 0x00 on; 0x1B is the escape to the extension.
var basic = []rune{
	0x0040, 0x00A3, 0x0024, 0x00A5, 0x00E8, 0x00E9, 0x00F9, 0x00EC, 0x00F2, 0x00C7, 0x000A, 0x00D8, 0x00F8, 0x000D, 0x00C5, 0x00E5,
	0x0394, 0x005F, 0x03A6, 0x0393, 0x039B, 0x03A9, 0x03A0, 0x03A8, 0x03A3, 0x0398, 0x039E /* escape */, 0x00C6, 0x00E6, 0x00DF, 0x00C9,
	0x0020, 0x0021, 0x0022, 0x0023, 0x00A4, 0x0025, 0x0026, 0x0027, 0x0028, 0x0029, 0x002A, 0x002B, 0x002C, 0x002D, 0x002E, 0x002F,
	0x0030, 0x0031, 0x0032, 0x0033, 0x0034, 0x0035, 0x0036, 0x0037, 0x0038, 0x0039, 0x003A, 0x003B, 0x003C, 0x003D, 0x003E, 0x003F,
	0x00A1, 0x0041, 0x0042, 0x0043, 0x0044, 0x0045, 0x0046, 0x0047, 0x0048, 0x0049, 0x004A, 0x004B, 0x004C, 0x004D, 0x004E, 0x004F,
	0x0050, 0x0051, 0x0052, 0x0053, 0x0054, 0x0055, 0x0056, 0x0057, 0x0058, 0x0059, 0x005A, 0x00C4, 0x00D6, 0x00D1, 0x00DC, 0x00A7,
	0x00BF, 0x0061, 0x0062, 0x0063, 0x0064, 0x0065, 0x0066, 0x0067, 0x0068, 0x0069, 0x006A, 0x006B, 0x006C, 0x006D, 0x006E, 0x006F,
	0x0070, 0x0071, 0x0072, 0x0073, 0x0074, 0x0075, 0x0076, 0x0077, 0x0078, 0x0079, 0x007A, 0x00E4, 0x00F6, 0x00F1, 0x00FC, 0x00E0,
}

// extension is the table of §6.2.1.1: form feed ^ { } \ [ ~ ] | and the euro sign.
var extension = []rune{0x000C, 0x005E, 0x007B, 0x007D, 0x005C, 0x005B, 0x007E, 0x005D, 0x007C, 0x20AC}

func TestEveryCharacterCostsWhatTheStandardSays(t *testing.T) {
	t.Parallel()
	want := map[rune]int{}
	for _, r := range basic {
		want[r] = 1
	}
	for _, r := range extension {
		want[r] = 2
	}
	if len(want) != 127+10 {
		t.Fatalf("the table of this test has %d characters", len(want))
	}
	for r := rune(0); r <= 0x1FFFF; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		cost := message.Cost{Encoding: message.GSM7, Units: want[r], Segments: 1}
		if want[r] == 0 {
			cost = message.Cost{Encoding: message.UCS2, Units: 1, Segments: 1, Odd: r, Position: 1}
			if r > 0xFFFF {
				cost.Units = 2
			}
		}
		if got := message.Measure(string(r)); got != cost {
			t.Fatalf("%#U: got %+v, want %+v", r, got, cost)
		}
	}
}

func TestATextIsCutIntoSegmentsByTheStandard(t *testing.T) {
	t.Parallel()
	n := func(s string, times int) string { return strings.Repeat(s, times) }
	for name, row := range map[string]struct {
		text string
		want message.Cost
	}{
		"nothing":                       {"", message.Cost{Encoding: message.GSM7}},
		"one segment":                   {n("a", 160), message.Cost{Encoding: message.GSM7, Units: 160, Segments: 1}},
		"one more":                      {n("a", 161), message.Cost{Encoding: message.GSM7, Units: 161, Segments: 2}},
		"two segments":                  {n("a", 306), message.Cost{Encoding: message.GSM7, Units: 306, Segments: 2}},
		"three":                         {n("a", 307), message.Cost{Encoding: message.GSM7, Units: 307, Segments: 3}},
		"escapes count":                 {n("€", 80), message.Cost{Encoding: message.GSM7, Units: 160, Segments: 1}},
		"one escape too many":           {n("€", 80) + "a", message.Cost{Encoding: message.GSM7, Units: 161, Segments: 2}},
		"an escape in the last place":   {n("a", 158) + "€", message.Cost{Encoding: message.GSM7, Units: 160, Segments: 1}},
		"no escape is divided":          {n("a", 152) + "€" + n("a", 152), message.Cost{Encoding: message.GSM7, Units: 306, Segments: 3}},
		"as long, but nothing to break": {n("a", 151) + "€" + n("a", 153), message.Cost{Encoding: message.GSM7, Units: 306, Segments: 2}},
		"one segment of UCS-2":          {n("ш", 70), message.Cost{Encoding: message.UCS2, Units: 70, Segments: 1, Odd: 'ш', Position: 1}},
		"one more of UCS-2":             {n("ш", 71), message.Cost{Encoding: message.UCS2, Units: 71, Segments: 2, Odd: 'ш', Position: 1}},
		"two segments of UCS-2":         {n("ш", 134), message.Cost{Encoding: message.UCS2, Units: 134, Segments: 2, Odd: 'ш', Position: 1}},
		"three of UCS-2":                {n("ш", 135), message.Cost{Encoding: message.UCS2, Units: 135, Segments: 3, Odd: 'ш', Position: 1}},
		"one odd character makes all":   {"été" + n("a", 68) + "ê", message.Cost{Encoding: message.UCS2, Units: 72, Segments: 2, Odd: 'ê', Position: 72}},
		"escapes are none in UCS-2":     {"ê" + n("€", 69), message.Cost{Encoding: message.UCS2, Units: 70, Segments: 1, Odd: 'ê', Position: 1}},
		"pairs count":                   {n("😀", 35), message.Cost{Encoding: message.UCS2, Units: 70, Segments: 1, Odd: '😀', Position: 1}},
		"no pair is divided":            {n("ш", 66) + "😀" + n("ш", 66), message.Cost{Encoding: message.UCS2, Units: 134, Segments: 3, Odd: 'ш', Position: 1}},
		"bytes that are no text":        {"\xff", message.Cost{Encoding: message.UCS2, Units: 1, Segments: 1, Odd: utf8.RuneError, Position: 1}},
	} {
		if d := cmp.Diff(row.want, message.Measure(row.text)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestACostIsToldToPeople(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"abc":                    "1 segment, 3 of 160 characters of GSM-7",
		"abç":                    "1 segment, 3 of 70 characters of UCS-2",
		strings.Repeat("a", 161): "2 segments, 161 of 306 characters of GSM-7",
	} {
		if got := message.Measure(text).String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
