package otp_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestAFactorsIDTellsItsPartitionAndNoVerificationHasIt(t *testing.T) {
	t.Parallel()
	id := otp.NewFactorID(0xa7)
	if !regexp.MustCompile(`^FAa7[0-9a-f]{30}$`).MatchString(string(id)) || id.Partition() != 0xa7 {
		t.Fatalf("%q", id)
	}
	if again, err := otp.ParseFactorID(string(id)); err != nil || again != id {
		t.Errorf("%q, %v", again, err)
	}
	if _, err := otp.ParseID(string(id)); err == nil {
		t.Error("it is a verification's too")
	}
	for _, bad := range []string{"", "F", "FA", "VE" + string(id[2:]), string(id) + "0", strings.ToUpper(string(id)), string(id[:33]) + "\n"} {
		if _, err := otp.ParseFactorID(bad); !errors.Is(err, otp.ErrFactorNotFound) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestASecretIsAsLongAsItsHash(t *testing.T) {
	t.Parallel()
	for algorithm, want := range map[otp.Algorithm]int{otp.SHA1: 20, otp.SHA256: 32, otp.SHA512: 64} {
		s := otp.NewFactorSecret(algorithm)
		if len(s.Reveal()) != want || string(s.Reveal()) == string(otp.NewFactorSecret(algorithm).Reveal()) {
			t.Errorf("%s: %d bytes", algorithm, len(s.Reveal()))
		}
		if !regexp.MustCompile(`^[A-Z2-7]+$`).MatchString(s.Base32()) {
			t.Errorf("%s: %d characters of base32", algorithm, len(s.Base32()))
		}
	}
}

func TestASealedSecretOpensForItsFactorAlone(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	id, secret := otp.NewFactorID(1), otp.NewFactorSecret(otp.SHA1)
	sealed := k.SealFactor(otp.PhoneAuth, id, secret)
	got, err := k.OpenFactor(otp.PhoneAuth, id, sealed)
	if err != nil || got.Base32() != secret.Base32() {
		t.Fatal(err)
	}
	if _, err := k.OpenFactor(otp.PhoneAuth, otp.NewFactorID(1), sealed); err == nil {
		t.Error("it opens for another factor")
	}
	if _, err := k.OpenFactor(otp.AddPhone, id, sealed); err == nil {
		t.Error("it opens in another namespace")
	}
	if _, err := k.OpenCode(otp.Owner{Namespace: otp.PhoneAuth, Anchor: otp.Anchor(id)}, sealed); err == nil {
		t.Error("it opens as a code")
	}
	if got, err := keysOf(t, "k2", "k1").OpenFactor(otp.PhoneAuth, id, sealed); err != nil || got.Base32() != secret.Base32() {
		t.Errorf("after a rotation: %v", err)
	}
	if _, err := keysOf(t, "k2").OpenFactor(otp.PhoneAuth, id, sealed); err == nil {
		t.Error("it opens without its key")
	}
}

func TestARecoveryCodeIsReadAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}$`)
	for range 200 {
		code := otp.NewRecoveryCode().Reveal()
		if !form.MatchString(code) {
			t.Fatal("of another form")
		}
		typed := strings.NewReplacer("1", "l", "0", "O", "-", " ").Replace(strings.ToUpper(code))
		for _, text := range []string{code, strings.ToUpper(code), strings.ReplaceAll(code, "-", ""), typed} {
			if got, err := otp.ParseRecoveryCode(text); err != nil || got.Reveal() != code {
				t.Fatalf("%q became %q, %v", text, got.Reveal(), err)
			}
		}
	}
	for _, bad := range []string{"", "12345", "12345-6789", "12345-67890-1", "12345-6789u", "12345-6789é", strings.Repeat("-", 1000) + "1234567890"} {
		if _, err := otp.ParseRecoveryCode(bad); !errors.Is(err, otp.ErrCodeFormat) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func TestARecoveryCodesDigestOutlivesARotationAndIsItsFactorsOwn(t *testing.T) {
	t.Parallel()
	id, code := otp.NewFactorID(1), otp.NewRecoveryCode()
	digest := keysOf(t, "k1").RecoveryDigest(id, code)
	if keysOf(t, "k2").RecoveryDigest(id, code) != digest {
		t.Error("lost by a rotation")
	}
	if keysOf(t, "k1").RecoveryDigest(otp.NewFactorID(1), code) == digest || strings.Contains(digest, code.Reveal()) {
		t.Error("it is another factor's too, or tells the code")
	}
}

func TestClockworkIsWhatTheRFCAllows(t *testing.T) {
	t.Parallel()
	if err := otp.DefaultClockwork().Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(c *otp.Clockwork){
		"algorithm": func(c *otp.Clockwork) { c.Algorithm = "MD5" },
		"digits":    func(c *otp.Clockwork) { c.Digits = 5 },
		"period":    func(c *otp.Clockwork) { c.Period = 61 * time.Second },
		"skew":      func(c *otp.Clockwork) { c.Skew = 3 },
	} {
		c := otp.DefaultClockwork()
		spoil(&c)
		var bad *otp.InputError
		if err := c.Check(); !errors.As(err, &bad) || bad.Field != name || !errors.Is(err, otp.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
