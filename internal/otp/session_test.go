package otp_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

var tokenForm = regexp.MustCompile(`\Aots_[0-9a-f]{2}[A-Za-z0-9_-]{43}\z`)

func TestATokenHasItsFormAndTellsThePartition(t *testing.T) {
	t.Parallel()
	k, code := keysOf(t, "k1"), codeOf(t, "123456")
	for p := range 256 {
		o := otp.Owner{Namespace: otp.PhoneAuth, Partition: otp.Partition(p), Anchor: "anchor"}
		token, seed := k.TokenOf(o, code, "nonce")
		if !tokenForm.MatchString(token.Reveal()) || token.Partition() != otp.Partition(p) {
			t.Fatalf("a token of the wrong form in %s", token.Partition())
		}
		if seed.Key != "k1" || seed.Hash != token.Hash() {
			t.Fatalf("seed %+v", seed)
		}
		if parsed, err := otp.ParseToken(token.Reveal()); err != nil || parsed.Reveal() != token.Reveal() {
			t.Fatalf("parse: %v", err)
		}
	}
}

func TestATokenIsTheSameForTheSameRequestAndForNoOther(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	o := k.Owner(otp.PhoneAuth, phone(number), "", 1)
	of := func(k otp.Keys, o otp.Owner, code string, n otp.Nonce) string {
		token, _ := k.TokenOf(o, codeOf(t, code), n)
		return token.Reveal()
	}
	if of(k, o, "123456", "n") != of(keysOf(t, "k1"), o, "123456", "n") {
		t.Error("the same request got another token")
	}
	seen := map[string]string{}
	for name, token := range map[string]string{
		"the token":         of(k, o, "123456", "n"),
		"another nonce":     of(k, o, "123456", "m"),
		"another code":      of(k, o, "123457", "n"),
		"another key":       of(keysOf(t, "k2"), o, "123456", "n"),
		"another namespace": of(k, k.Owner(otp.AddPhone, phone(number), "", 1), "123456", "n"),
		"another recipient": of(k, k.Owner(otp.PhoneAuth, phone("+491"), "", 1), "123456", "n"),
		"shifted parts":     of(k, o, "12345", "6n"),
	} {
		if twin, ok := seen[token]; ok {
			t.Errorf("%s and %s are the same", name, twin)
		}
		seen[token] = name
	}
}

func TestAHashNamesATokenWithoutTellingIt(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	o := k.Owner(otp.PhoneAuth, phone(number), "", 16)
	a, _ := k.TokenOf(o, codeOf(t, "123456"), "n")
	b, _ := k.TokenOf(o, codeOf(t, "123456"), "m")
	if len(a.Hash()) != 22 || a.Hash() == b.Hash() || strings.Contains(a.Reveal(), a.Hash()) {
		t.Fatal("the hash is of the wrong form, or part of the token")
	}
}

func TestATokenIsMadeAgainUnderTheKeyThatMadeItThoughThePrimaryChanged(t *testing.T) {
	t.Parallel()
	before, after := keysOf(t, "k1", "k2"), keysOf(t, "k2", "k1")
	o, code := before.Owner(otp.PhoneAuth, phone(number), "", 16), codeOf(t, "123456")
	first, seed := before.TokenOf(o, code, "n")
	again, err := after.TokenAgain(seed.Key, o, code, "n")
	if err != nil || again.Reveal() != first.Reveal() {
		t.Fatalf("another token: %v", err)
	}
	if fresh, s := after.TokenOf(o, code, "n"); fresh.Reveal() == first.Reveal() || s.Key != "k2" {
		t.Fatal("a new token is not made with the primary")
	}
	if gone, err := keysOf(t, "k3").TokenAgain(seed.Key, o, code, "n"); err == nil || gone.Reveal() != "" {
		t.Fatal("made with a key that is gone")
	}
}

func TestParseTokenRefusesWhatIsNoToken(t *testing.T) {
	t.Parallel()
	good := "ots_0f" + strings.Repeat("Aa0-_", 8) + "xyz"
	if _, err := otp.ParseToken(good); err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{
		"nothing":                 "",
		"only the prefix":         "ots_",
		"another prefix":          "otk_" + good[4:],
		"a partition in capitals": "ots_0F" + good[6:],
		"a partition that is no":  "ots_0g" + good[6:],
		"one short":               good[:len(good)-1],
		"one more":                good + "A",
		"padding":                 good[:len(good)-1] + "=",
		"standard base64":         good[:len(good)-1] + "+",
		"a line break behind":     good + "\n",
		"a line break in front":   "\n" + good,
		"two lines":               good + "\n" + good,
	} {
		token, err := otp.ParseToken(in)
		if !errors.Is(err, otp.ErrNotFound) || token.Reveal() != "" {
			t.Errorf("%s: %v", name, err)
		}
		if in != "" && err != nil && strings.Contains(err.Error(), in) {
			t.Errorf("%s: quoted in %v", name, err)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("ots_0f" + strings.Repeat("A", 43))
	f.Add("ots_0f" + strings.Repeat("A", 43) + "\n")
	f.Add("ots_")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		token, err := otp.ParseToken(s)
		if tokenForm.MatchString(s) != (err == nil) {
			t.Fatalf("%q: %v", s, err)
		}
		if err != nil {
			if !errors.Is(err, otp.ErrNotFound) || token.Reveal() != "" {
				t.Fatalf("refused with %v and a token", err)
			}
			return
		}
		if token.Reveal() != s || token.Partition().String() != s[4:6] || len(token.Hash()) != 22 {
			t.Fatalf("%q became a token of %s", s, token.Partition())
		}
	})
}
