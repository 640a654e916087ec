package otp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	number  = "+4915112345678"
	masked  = "+49•••••••78"
	mailbox = "Ada.Lovelace+otp@example.com"
)

// keyOf makes a key whose secret is one letter over and over: what stands after
// "=" in spec, or else the last one of its name.
func keyOf(t testing.TB, spec string) otp.Key {
	t.Helper()
	id, letter, given := strings.Cut(spec, "=")
	if !given {
		letter = id[len(id)-1:]
	}
	k, err := otp.NewKey(id, bytes.Repeat([]byte(letter), otp.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// ringOf makes a ring whose primary is the first key.
func ringOf(t testing.TB, specs ...string) otp.Ring {
	t.Helper()
	var all []otp.Key
	for _, s := range specs {
		all = append(all, keyOf(t, s))
	}
	r, err := otp.NewRing(all[0].ID(), all...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func keysOf(t testing.TB, specs ...string) otp.Keys {
	t.Helper()
	k, err := otp.DeriveKeys(ringOf(t, specs...), keyOf(t, "anchor=a"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func codeOf(t testing.TB, digits string) otp.Code {
	t.Helper()
	c, err := otp.ParseCode(digits, len(digits))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func phone(address string) otp.Recipient {
	return otp.NewRecipient(otp.SMS, address, address, masked)
}

func email(address, limit string) otp.Recipient {
	return otp.NewRecipient(otp.Email, address, limit, "a•••@e•••.com")
}
