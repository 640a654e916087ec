package otp_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

var idForm = regexp.MustCompile(`\AVE[0-9a-f]{32}\z`)

func TestAnIDHasTheFormOfATwilioSIDAndTellsItsPartition(t *testing.T) {
	t.Parallel()
	seen := map[otp.ID]bool{}
	for p := range 256 {
		id := otp.NewID(otp.Partition(p))
		if !idForm.MatchString(string(id)) {
			t.Fatalf("id %q", id)
		}
		if id.Partition() != otp.Partition(p) || string(id[2:4]) != otp.Partition(p).String() {
			t.Fatalf("%s lies in %s, not in %02x", id, id.Partition(), p)
		}
		if parsed, err := otp.ParseID(string(id)); err != nil || parsed != id {
			t.Fatalf("parse %s: %v", id, err)
		}
		seen[id[4:]] = true
	}
	if len(seen) != 256 {
		t.Fatalf("of 256 ids %d differ behind the partition", len(seen))
	}
}

func TestParseIDRefusesWhatIsNoID(t *testing.T) {
	t.Parallel()
	good := "VE" + strings.Repeat("0a", 16)
	if _, err := otp.ParseID(good); err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{
		"nothing":             "",
		"only the prefix":     "VE",
		"no prefix":           good[2:],
		"another prefix":      "SM" + good[2:],
		"prefix in lower":     "ve" + good[2:],
		"upper-case digits":   strings.ToUpper(good),
		"one digit short":     good[:33],
		"one digit more":      good + "0",
		"no hex":              good[:33] + "g",
		"a space in front":    " " + good,
		"a line break behind": good + "\n",
		"a break for a digit": good[:33] + "\n",
		"wide letters":        "VE" + strings.Repeat("ａ", 10) + "00",
		"a path":              good[:30] + "/../",
	} {
		if id, err := otp.ParseID(in); !errors.Is(err, otp.ErrNotFound) || id != "" {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("VE" + strings.Repeat("0a", 16))
	f.Add("VE" + strings.Repeat("FF", 16))
	f.Add("ots_")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := otp.ParseID(s)
		if idForm.MatchString(s) != (err == nil) {
			t.Fatalf("%q: %v", s, err)
		}
		if err != nil {
			if !errors.Is(err, otp.ErrNotFound) || id != "" {
				t.Fatalf("refused with %q, %v", id, err)
			}
			return
		}
		if string(id) != s || id.Partition().String() != s[2:4] {
			t.Fatalf("%q became %q in %s", s, id, id.Partition())
		}
	})
}

func TestAnOrderIsWrittenAsIDAndSend(t *testing.T) {
	t.Parallel()
	id := otp.ID("VE" + strings.Repeat("0a", 16))
	if got := (otp.Order{ID: id, Send: 3}).String(); got != string(id)+"/3" {
		t.Fatal(got)
	}
}

func TestEveryNonceIsNew(t *testing.T) {
	t.Parallel()
	seen := map[otp.Nonce]bool{}
	for range 1000 {
		n := otp.NewNonce()
		if len(n) != 22 || strings.ContainsAny(string(n), " +/=") {
			t.Fatalf("nonce %q", n)
		}
		seen[n] = true
	}
	if len(seen) != 1000 {
		t.Fatalf("of 1000 nonces %d differ", len(seen))
	}
}

func TestTheNonceOfARepeatedRequestIsTheSameAndOfNoOtherRequest(t *testing.T) {
	t.Parallel()
	first := otp.NonceOf("shop", "start", "k")
	if again := otp.NonceOf("shop", "start", "k"); again != first {
		t.Fatal("a repeated request has another nonce")
	}
	seen := map[otp.Nonce][3]string{}
	for _, parts := range [][3]string{
		{"shop", "start", "k"},
		{"shop", "start", "l"},
		{"shop", "check", "k"},
		{"shop2", "start", "k"},
		{"shops", "tart", "k"},
		{"shop", "startk", ""},
		{"", "shopstart", "k"},
		{"shop5:start", "", "k"},
		{"1:a", "b", "c"},
		{"1", "a1:b", "c"},
		{"", "", ""},
		{"", "", "0:0:"},
	} {
		n := otp.NonceOf(parts[0], parts[1], parts[2])
		if len(n) != 22 {
			t.Errorf("nonce %q", n)
		}
		if twin, ok := seen[n]; ok {
			t.Errorf("%q and %q have the same nonce", parts, twin)
		}
		seen[n] = parts
	}
}
