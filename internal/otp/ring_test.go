package otp_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestAKeyIsThirtyTwoBytesWithAShortName(t *testing.T) {
	t.Parallel()
	good := bytes.Repeat([]byte("s"), otp.KeySize)
	for _, test := range []struct {
		name, id string
		secret   []byte
		ok       bool
	}{
		{"a good one", "k1", good, true},
		{"a name of sixteen", "abcdefghij012345", good, true},
		{"no name", "", good, false},
		{"a name of seventeen", "abcdefghij0123456", good, false},
		{"upper case", "K1", good, false},
		{"a dot, which ends the name of a sealed value's key", "k.1", good, false},
		{"a space, which parts fingerprints", "k 1", good, false},
		{"a line break at the end", "k1\n", good, false},
		{"no secret", "k1", nil, false},
		{"a secret of 31", "k1", good[1:], false},
		{"a secret of 33", "k1", append(good[:32:32], 's'), false},
		{"a secret that AES would take", "k1", good[:16], false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			k, err := otp.NewKey(test.id, test.secret)
			if (err == nil) != test.ok {
				t.Fatalf("error %v", err)
			}
			if err == nil && k.ID() != test.id {
				t.Fatalf("named %s", k.ID())
			}
			if err != nil && len(test.secret) > 0 && strings.Contains(err.Error(), string(test.secret)) {
				t.Fatal("the error quotes the secret")
			}
		})
	}
}

func TestAKeyKeepsItsOwnCopyOfTheSecret(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte("s"), otp.KeySize)
	k, err := otp.NewKey("k1", secret)
	if err != nil {
		t.Fatal(err)
	}
	before := k.Mark()
	clear(secret)
	if k.Mark() != before {
		t.Fatal("the caller's bytes are the key's")
	}
}

func TestAMarkTellsTwoSecretsOfOneNameApart(t *testing.T) {
	t.Parallel()
	one, again, other := keyOf(t, "k1=x"), keyOf(t, "k1=x"), keyOf(t, "k1=y")
	if one.Mark() != again.Mark() {
		t.Error("the mark of a key is not stable")
	}
	if one.Mark() == other.Mark() {
		t.Error("two secrets have the same mark")
	}
	if keyOf(t, "k2=x").Mark() != one.Mark() {
		t.Error("a mark is of the secret, whatever its name")
	}
}

func ids(keys []otp.Key) (all []string) {
	for _, k := range keys {
		all = append(all, k.ID())
	}
	return all
}

func TestARingHasItsPrimaryFirstAndFindsTheOthersByName(t *testing.T) {
	t.Parallel()
	a, b, c := keyOf(t, "a"), keyOf(t, "b"), keyOf(t, "c")
	for _, test := range []struct {
		primary string
		want    []string
	}{
		{"a", []string{"a", "b", "c"}},
		{"b", []string{"b", "a", "c"}},
		{"c", []string{"c", "a", "b"}},
	} {
		r, err := otp.NewRing(test.primary, a, b, c)
		if err != nil {
			t.Fatal(err)
		}
		if got := ids(r.All()); !slices.Equal(got, test.want) || r.Primary().ID() != test.primary {
			t.Errorf("primary %s: %v", test.primary, got)
		}
		for _, id := range test.want {
			if k, ok := r.Find(id); !ok || k.ID() != id || k.Mark() != keyOf(t, id).Mark() {
				t.Errorf("find %s: %v, %v", id, k, ok)
			}
		}
		for _, id := range []string{"", "d", "A", "ab"} {
			if _, ok := r.Find(id); ok {
				t.Errorf("found %q", id)
			}
		}
	}
}

func TestARingRefusesDoubleNamesAndAPrimaryItDoesNotHave(t *testing.T) {
	t.Parallel()
	for name, ring := range map[string]func() (otp.Ring, error){
		"the same key twice":          func() (otp.Ring, error) { return otp.NewRing("k1", keyOf(t, "k1"), keyOf(t, "k1")) },
		"two secrets of one name":     func() (otp.Ring, error) { return otp.NewRing("k1", keyOf(t, "k1=x"), keyOf(t, "k1=y")) },
		"two others of one name":      func() (otp.Ring, error) { return otp.NewRing("k1", keyOf(t, "k1"), keyOf(t, "k2=x"), keyOf(t, "k2=y")) },
		"a primary that is not there": func() (otp.Ring, error) { return otp.NewRing("k3", keyOf(t, "k1"), keyOf(t, "k2")) },
		"no primary named":            func() (otp.Ring, error) { return otp.NewRing("", keyOf(t, "k1")) },
		"no keys":                     func() (otp.Ring, error) { return otp.NewRing("k1") },
	} {
		if r, err := ring(); err == nil || len(r.All()) != 0 {
			t.Errorf("%s: error %v, a ring of %d", name, err, len(r.All()))
		}
	}
}

func TestEveryPurposeHasKeysOfItsOwnUnderTheMastersNames(t *testing.T) {
	t.Parallel()
	master := ringOf(t, "k2", "k1")
	k, err := otp.DeriveKeys(master, keyOf(t, "anchor=2"))
	if err != nil {
		t.Fatal(err)
	}
	marks := map[string]string{k.Anchor.Mark(): "anchor"}
	for purpose, r := range map[string]otp.Ring{"master": master, "digest": k.Digest, "fingerprint": k.Fingerprint, "seal": k.Seal, "session": k.Session, "bounce": k.Bounce} {
		if got := ids(r.All()); !slices.Equal(got, []string{"k2", "k1"}) {
			t.Errorf("%s: %v", purpose, got)
		}
		for _, key := range r.All() {
			if twin, ok := marks[key.Mark()]; ok {
				t.Errorf("%s %s is the same secret as %s", purpose, key.ID(), twin)
			}
			marks[key.Mark()] = purpose + " " + key.ID()
		}
	}
}

func TestDerivedKeysAreTheSameInEveryProcess(t *testing.T) {
	t.Parallel()
	one, two := keysOf(t, "k1", "k2"), keysOf(t, "k1", "k2")
	for _, pair := range [][2]otp.Ring{{one.Digest, two.Digest}, {one.Fingerprint, two.Fingerprint}, {one.Seal, two.Seal}, {one.Session, two.Session}, {one.Bounce, two.Bounce}} {
		for i, k := range pair[0].All() {
			if k.Mark() != pair[1].All()[i].Mark() {
				t.Errorf("key %s differs", k.ID())
			}
		}
	}
	if one.Anchor.Mark() != two.Anchor.Mark() {
		t.Error("the anchors differ")
	}
}
