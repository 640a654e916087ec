package otp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	someSalt = "c29tZXNhbHRzb21lc2FsdA"
	someSum  = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
)

func phc(costs, salt, sum string) string { return "$argon2id$v=19$" + costs + "$" + salt + "$" + sum }

func TestAPasswordsHashIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, costs := range []string{"m=19456,t=2,p=1", "m=47104,t=1,p=1", "m=12288,t=3,p=1", "m=7168,t=5,p=1", "m=65536,t=3,p=4", "m=131072,t=16,p=16"} {
		text := phc(costs, someSalt, someSum)
		h, err := otp.ParsePasswordHash(text)
		if err != nil || h.Reveal() != text {
			t.Errorf("%s: %v", costs, err)
		}
	}
}

func TestAHashThatCostsTooMuchOrTooLittleIsRefused(t *testing.T) {
	t.Parallel()
	for what, all := range map[string][]string{
		"more than a sign-in may": {"m=131073,t=1,p=1", "m=4294967295,t=1,p=1", "m=9999999999,t=1,p=1", "m=19456,t=17,p=1", "m=19456,t=4294967296,p=1", "m=19456,t=2,p=17"},
		"too quickly":             {"m=7167,t=16,p=1", "m=19456,t=1,p=1", "m=7168,t=4,p=1", "m=8,t=1,p=1"},
		"want a hash by argon2id": {"m=0,t=2,p=1", "m=19456,t=0,p=1", "m=19456,t=2,p=0", "m=-1,t=2,p=1", "m=19456,t=2", "t=2,m=19456,p=1", "m=019456,t=2,p=1", "m=19456,t=2,p=1,keyid=a"},
	} {
		for _, costs := range all {
			if _, err := otp.ParsePasswordHash(phc(costs, someSalt, someSum)); err == nil || !strings.Contains(err.Error(), what) {
				t.Errorf("%s: %v, want %q", costs, err, what)
			}
		}
	}
}

func TestWhatIsNoHashIsRefusedWithoutBeingQuoted(t *testing.T) {
	t.Parallel()
	costs := "m=19456,t=2,p=1"
	for _, text := range []string{
		"", "correct horse", phc(costs, "", someSum), phc(costs, someSalt, ""), phc(costs, "c2FsdA", someSum), phc(costs, someSalt, "c2hvcnQ"),
		phc(costs, someSalt+"==", someSum), phc(costs, strings.Repeat("A", 87), someSum), phc(costs, someSalt, someSum) + "\n", phc(costs, someSalt, someSum[:42]+"9"),
		strings.Replace(phc(costs, someSalt, someSum), "argon2id", "argon2i", 1), strings.Replace(phc(costs, someSalt, someSum), "v=19", "v=16", 1),
		"$2y$12$abcdefghijklmnopqrstuvCTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8A",
	} {
		h, err := otp.ParsePasswordHash(text)
		if err == nil {
			t.Errorf("%q is read as %s", text, h.Reveal())
			continue
		}
		for _, part := range []string{"horse", someSalt, someSum[:10]} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("the error quotes it: %v", err)
			}
		}
	}
}

func TestAHashIsNotPrinted(t *testing.T) {
	t.Parallel()
	h, err := otp.ParsePasswordHash(phc("m=19456,t=2,p=1", someSalt, someSum))
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, h); got != "••••••" {
			t.Errorf("%s: %s", verb, got)
		}
	}
	if b, err := json.Marshal(h); err == nil {
		t.Errorf("marshalled: %s", b)
	}
}
