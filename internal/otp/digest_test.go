package otp_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestADigestIsAnotherOneForAnotherNamespaceRecipientKeyOrCode(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k1")
	owner := k.Owner(otp.PhoneAuth, phone(number), "", 16)
	code := codeOf(t, "123456")
	other, err := otp.DeriveKeys(ringOf(t, "k1"), keyOf(t, "anchor=b"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for name, d := range map[string]otp.Digest{
		"the digest":        k.DigestOf(owner, code),
		"another namespace": k.DigestOf(k.Owner(otp.AddPhone, phone(number), "", 16), code),
		"another recipient": k.DigestOf(k.Owner(otp.PhoneAuth, phone("+4915112345679"), "", 16), code),
		"another channel":   k.DigestOf(k.Owner(otp.PhoneAuth, email(number, number), "", 16), code),
		"another key":       keysOf(t, "k2").DigestOf(owner, code),
		"another anchor":    k.DigestOf(other.Owner(otp.PhoneAuth, phone(number), "", 16), code),
		"another code":      k.DigestOf(owner, codeOf(t, "123457")),
		"a longer code":     k.DigestOf(owner, codeOf(t, "0123456")),
	} {
		if twin, ok := seen[d.Sum]; ok {
			t.Errorf("%s and %s have the same digest", name, twin)
		}
		seen[d.Sum] = name
	}
}

func TestADigestDoesNotDependOnBindingPartitionOrFingerprintKeys(t *testing.T) {
	t.Parallel()
	k, code := keysOf(t, "k1"), codeOf(t, "123456")
	want := k.DigestOf(k.Owner(otp.PhoneAuth, phone(number), "", 16), code)
	for name, o := range map[string]otp.Owner{
		"binding":         k.Owner(otp.PhoneAuth, phone(number), "browser", 16),
		"partitions":      k.Owner(otp.PhoneAuth, phone(number), "", 256),
		"fingerprint key": keysOf(t, "k2").Owner(otp.PhoneAuth, phone(number), "", 16),
	} {
		if d := cmp.Diff(want, k.DigestOf(o, code)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestDigestsAreMadeUnderEveryLiveKeyThePrimaryFirst(t *testing.T) {
	t.Parallel()
	k := keysOf(t, "k2", "k1", "k3")
	owner, code := k.Owner(otp.PhoneAuth, phone(number), "", 16), codeOf(t, "123456")
	want := []otp.Digest{
		keysOf(t, "k2").DigestOf(owner, code), keysOf(t, "k1").DigestOf(owner, code), keysOf(t, "k3").DigestOf(owner, code),
	}
	if d := cmp.Diff(want, k.DigestsOf(owner, code)); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff(want[0], k.DigestOf(owner, code)); d != "" {
		t.Fatal(d)
	}
}
