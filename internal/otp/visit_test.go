package otp_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestAPassIsReadAsItWasMadeAndNotPrinted(t *testing.T) {
	t.Parallel()
	p := otp.NewPass()
	again, err := otp.ParsePass(p.Reveal())
	if err != nil || again.Reveal() != p.Reveal() || again.Hash() != p.Hash() || !p.Is() {
		t.Errorf("read as another: %v", err)
	}
	for _, v := range []any{p, &p, struct{ p otp.Pass }{p}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, p.Reveal()) {
				t.Errorf("%s: %s", verb, got)
			}
		}
	}
	if b, err := json.Marshal(p); err == nil {
		t.Errorf("marshalled: %s", b)
	}
	for _, text := range []string{"", "x", p.Reveal()[1:], p.Reveal() + "A", p.Reveal() + "=", strings.Repeat("!", 43)} {
		if _, err := otp.ParsePass(text); err == nil {
			t.Errorf("%q has the form of a pass", text)
		}
	}
}

func TestAHashTellsPassesApartAndWhatIsSaidWithThem(t *testing.T) {
	t.Parallel()
	p := otp.NewPass()
	seen := map[string]bool{}
	for _, hash := range []string{p.Hash(), p.Hash(""), p.Hash("ab", "c"), p.Hash("a", "bc"), otp.NewPass().Hash(), (otp.Pass{}).Hash()} {
		if seen[hash] || strings.Contains(hash, p.Reveal()) {
			t.Errorf("%s twice", hash)
		}
		seen[hash] = true
	}
}

func TestAReferralIsRandomThroughout(t *testing.T) {
	t.Parallel()
	a, b := otp.NewReferral("/"), otp.NewReferral("/")
	seen := map[string]bool{}
	for _, part := range []string{a.State, a.Nonce, a.Verifier, b.State, b.Nonce, b.Verifier} {
		if seen[part] || len(part) != 43 {
			t.Errorf("%q", part)
		}
		seen[part] = true
	}
}

func TestAKnockNamesNobody(t *testing.T) {
	t.Parallel()
	k, at := keysOf(t, "k1=S"), netip.MustParseAddr("192.0.2.1")
	one := k.KnockOf("ada", at)
	for what, other := range map[string]otp.Knock{
		"another name": k.KnockOf("bob", at), "another place": k.KnockOf("ada", at.Next()),
	} {
		if other.Pair == one.Pair {
			t.Errorf("%s is the same pair", what)
		}
	}
	if text := fmt.Sprintf("%+v", one); strings.Contains(text, "ada") || strings.Contains(text, "192") {
		t.Error(text)
	}
	if nameless := k.KnockOf("", at); nameless.Place != one.Place || nameless.Name != "" || nameless.Pair != "" {
		t.Errorf("%+v", nameless)
	}
}
