package otp_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestASealedCodeOpensForItsOwner(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	o := k.Owner(otp.PhoneAuth, phone(number), "", 16)
	code, err := k.OpenCode(o, k.SealCode(o, codeOf(t, "0123456789")))
	if err != nil || code.Reveal() != "0123456789" {
		t.Fatalf("error %v", err)
	}
}

func sameRecipient(a, b otp.Recipient) bool {
	return a.Channel() == b.Channel() && a.Reveal() == b.Reveal() && a.Masked() == b.Masked()
}

func TestASealedLetterOpensAsItWas(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	for name, l := range map[string]otp.Letter{
		"a text":                   {To: phone(number)},
		"a mail with all there is": {To: email(mailbox, "adalovelace@example.com"), Locale: "de-CH", Params: map[string]string{"brand": "Example", "name": "Ä<b>\"\n"}},
	} {
		o := k.Owner(otp.PhoneAuth, l.To, "", 16)
		s, err := k.SealLetter(o, l)
		if err != nil {
			t.Fatal(err)
		}
		got, err := k.OpenLetter(o, s)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(l, got, cmp.Comparer(sameRecipient)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if again := k.Owner(otp.PhoneAuth, got.To, "", 16); !cmp.Equal(o, again) {
			t.Errorf("%s: the recipient that comes out is another owner", name)
		}
	}
}

func TestSealingTwiceMakesTwoValuesThatTellNothing(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	o := k.Owner(otp.PhoneAuth, phone(number), "", 16)
	one, two := k.SealCode(o, codeOf(t, "123456")), k.SealCode(o, codeOf(t, "123456"))
	if one == two {
		t.Error("the same code sealed twice is the same value")
	}
	letter, err := k.SealLetter(o, otp.Letter{To: phone(number)})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []otp.Sealed{one, two, letter} {
		id, body, _ := strings.Cut(string(s), ".")
		raw, err := base64.RawURLEncoding.DecodeString(body)
		if err != nil || id != "k1" {
			t.Fatalf("sealed as %s…: %v", id, err)
		}
		if strings.Contains(string(raw), "123456") || strings.Contains(string(raw), number) {
			t.Error("the plain text is in it")
		}
	}
}

func TestWhatAnOldKeySealedOpensWhileTheRingHasIt(t *testing.T) {
	t.Parallel()
	before, after := keysOf(t, "k1", "k2"), keysOf(t, "k2", "k1")
	o := before.Owner(otp.PhoneAuth, phone(number), "", 16)
	s := before.SealCode(o, codeOf(t, "123456"))
	if code, err := after.OpenCode(after.Owner(otp.PhoneAuth, phone(number), "", 16), s); err != nil || code.Reveal() != "123456" {
		t.Fatalf("after the primary changed: %v", err)
	}
	if !strings.HasPrefix(string(after.SealCode(o, codeOf(t, "1"))), "k2.") {
		t.Error("a new value is not sealed with the primary")
	}
}

// damage changes one bit of the sealed bytes, the nonce's, the text's or the tag's.
func damage(t *testing.T, s otp.Sealed, at int) otp.Sealed {
	t.Helper()
	id, body, _ := strings.Cut(string(s), ".")
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	raw[(at+len(raw))%len(raw)] ^= 1
	return otp.Sealed(id + "." + base64.RawURLEncoding.EncodeToString(raw))
}

func TestASealedValueOpensInNoOtherPlace(t *testing.T) {
	t.Parallel()
	const secret = "482915"
	k := keysOf(t, "k1", "k2")
	o := k.Owner(otp.PhoneAuth, phone(number), "", 16)
	code := k.SealCode(o, codeOf(t, secret))
	letter, err := k.SealLetter(o, otp.Letter{To: phone(number), Params: map[string]string{"name": secret}})
	if err != nil {
		t.Fatal(err)
	}
	body := func(s otp.Sealed) string { return strings.SplitN(string(s), ".", 2)[1] }
	cut := func(s otp.Sealed, n int) otp.Sealed { return s[:len(s)-n] }
	elsewhere := o
	elsewhere.Anchor = o.Anchor[:len(o.Anchor)-1] + "_"
	shifted := o // the same bytes in a row, parted elsewhere
	shifted.Namespace, shifted.Anchor = "phone", "-auth"+o.Anchor
	parted := o
	parted.Namespace, parted.Anchor = "", otp.Anchor(o.Namespace)+"\x00"+o.Anchor

	type place struct {
		keys         otp.Keys
		owner        otp.Owner
		code, letter otp.Sealed
	}
	for name, p := range map[string]place{
		"another kind":                {k, o, letter, code},
		"another namespace":           {k, k.Owner(otp.AddPhone, phone(number), "", 16), code, letter},
		"another recipient":           {k, k.Owner(otp.PhoneAuth, phone("+4915112345679"), "", 16), code, letter},
		"another anchor":              {k, elsewhere, code, letter},
		"shifted context":             {k, shifted, code, letter},
		"another parting":             {k, parted, code, letter},
		"another key of the ring":     {k, o, otp.Sealed("k2." + body(code)), otp.Sealed("k2." + body(letter))},
		"a key that no ring has":      {k, o, otp.Sealed("k9." + body(code)), otp.Sealed("k9." + body(letter))},
		"no key":                      {k, o, otp.Sealed("." + body(code)), otp.Sealed(body(letter))},
		"another ring":                {keysOf(t, "k3"), o, code, letter},
		"another secret of that name": {keysOf(t, "k1=x"), o, code, letter},
		"a bit of the nonce":          {k, o, damage(t, code, 0), damage(t, letter, 0)},
		"a bit of the text":           {k, o, damage(t, code, 13), damage(t, letter, 13)},
		"a bit of the tag":            {k, o, damage(t, code, -1), damage(t, letter, -1)},
		"a byte short":                {k, o, cut(code, 4), cut(letter, 4)},
		"only a nonce":                {k, o, code[:3+16], letter[:3+16]},
		"only a name":                 {k, o, "k1.", "k1."},
		"nothing":                     {k, o, "", ""},
		"not base64":                  {k, o, "k1." + secret + "!", "k1." + secret + "!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := p.keys.OpenCode(p.owner, p.code)
			if err == nil || got.Reveal() != "" {
				t.Fatalf("the code opened: %v", err)
			}
			l, lerr := p.keys.OpenLetter(p.owner, p.letter)
			if lerr == nil || l.To.Reveal() != "" || l.Params != nil {
				t.Fatalf("the letter opened: %v", lerr)
			}
			for _, quoted := range []string{secret, number, body(code), string(o.Anchor)} {
				if strings.Contains(err.Error()+lerr.Error(), quoted) {
					t.Errorf("quoted: %v, %v", err, lerr)
				}
			}
		})
	}
}
