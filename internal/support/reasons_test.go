package support_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/support"
)

// mute knows no vendor.
var mute = support.Explainer{Words: func(string) string { return "" }}

// finds are what patterns find in the sources of a room, each once.
func finds(t *testing.T, glob string, patterns ...string) (all []string) {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", glob, len(files), err)
	}
	for _, pattern := range patterns {
		before := len(all)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(source, -1) {
				all = append(all, string(m[1]))
			}
		}
		if len(all) == before {
			t.Errorf("%s has none of %s: has it been written anew?", glob, pattern)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// moment is a step as a time line has it.
func moment(s otp.Step) support.Moment {
	all := mute.Timeline(otp.History{Steps: []otp.Step{s}, MaxChecks: 5})
	return all[0]
}

func TestEveryCodeOfOurOwnThatHoldsASendUpHasWords(t *testing.T) {
	t.Parallel()
	codes := slices.Concat(
		finds(t, "../deliver/*.go", `c\.(?:rest|spent|turn)\(.*, "(\w+)"\)`),
		finds(t, "../deliver/round.go", `return "(\w+)"`),
		finds(t, "../redisstore/lua/admit.lua", `return \{'(\w+)'\}`),
		finds(t, "../redisstore/lua/*.lua", `\bwhy = '(\w+)'`, `\blimit = '(\w+)'`),
	)
	for _, code := range codes {
		m := moment(otp.Step{Send: 1, State: "waiting", Reason: code})
		if code != "ok" && (m.Detail == "" || strings.Contains(m.Detail, "It said")) {
			t.Errorf("%s: %q", code, m.Detail)
		}
	}
	table := finds(t, "reasons.go", `(?m)^\t"(\w+)": +"[a-z]`)
	for _, code := range table {
		if !slices.Contains(codes, code) && code != "no_receipt" && code != "unclassified" {
			t.Errorf("%s has words, and nobody says it", code)
		}
	}
}

func TestEveryCodeOfOurOwnThatEndsAnAttemptHasWords(t *testing.T) {
	t.Parallel()
	codes := slices.Concat(
		finds(t, "../deliver/*.go", `Reason: "(\w+)"`),
		finds(t, "../otp/provider.go", `Code: "(\w+)"`),
		finds(t, "../redisstore/lua/*.lua", `note_attempt\(.*, '(\w+)'\)`),
	)
	for _, code := range codes {
		m := moment(otp.Step{Send: 1, Attempt: 1, Provider: "twilio", State: "unknown", Reason: code})
		if m.Detail == "" || strings.Contains(m.Detail, "It said") {
			t.Errorf("%s: %q", code, m.Detail)
		}
	}
}

func TestAVendorsOwnWordIsNotTakenForOneOfOurs(t *testing.T) {
	t.Parallel()
	m := moment(otp.Step{Send: 1, Attempt: 1, Provider: "house", State: "undelivered", Reason: "daily"})
	if m.Detail != "It said daily." {
		t.Errorf("%q", m.Detail)
	}
}

func TestEveryLineOfAJournalHasATitle(t *testing.T) {
	t.Parallel()
	of := func(patterns ...string) []string { return finds(t, "../redisstore/lua/*.lua", patterns...) }
	for _, state := range of(`\bnote\(v, '(\w+)'`, `\bact\(v, '(\w+)'`, `\bfinish\(v, '(\w+)'`) {
		if m := moment(otp.Step{State: state}); m.Title == "" || m.Title == state {
			t.Errorf("%s: %q", state, m.Title)
		}
	}
	states := of(`\bnote_send\(v, n, '(\w+)'`, `\bclose\(v, n, s, '(\w+)'`, `\bfinish\(v, '\w+', '(\w+)'`, `\babandon\(v, n, s, '(\w+)'`)
	untold := mute.Timeline(otp.History{Steps: []otp.Step{{Send: 1, State: "of no such name"}}})[0].Title
	for _, state := range states {
		m := moment(otp.Step{Send: 1, State: state})
		if m.Title == "" || m.Title == untold && state != "failed" && state != "undelivered" && state != "accepted" {
			t.Errorf("%s: %q", state, m.Title)
		}
	}
}

func TestEveryBadgeIsInTheManual(t *testing.T) {
	t.Parallel()
	manual := strings.Join(finds(t, "../../docs/support.md", `(?m)^\| ([a-z, ]+) \| `), ", ")
	badges := finds(t, "*.go", `Explanation\{\s*"([a-z ]+)",`)
	if len(badges) < 20 {
		t.Fatalf("%q", badges)
	}
	for _, badge := range badges {
		if !slices.Contains(strings.Split(manual, ", "), badge) {
			t.Errorf("%s is not", badge)
		}
	}
}
