package otp_test

import (
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestACallerHasTheScopesItWasGivenAndNoOther(t *testing.T) {
	t.Parallel()
	for _, given := range otp.Scopes {
		c := otp.Caller{Scopes: []otp.Scope{given}}
		for _, asked := range otp.Scopes {
			if c.Has(asked) != (asked == given) {
				t.Errorf("with %s, has %s: %v", given, asked, c.Has(asked))
			}
		}
	}
	if (otp.Caller{}).Has(otp.ScopeRead) {
		t.Error("a caller without scopes may read")
	}
}

func TestACallerWorksInItsNamespacesOrInAllIfItNamesNone(t *testing.T) {
	t.Parallel()
	all, one := otp.Caller{}, otp.Caller{Namespaces: []otp.Namespace{otp.PhoneAuth}}
	if !all.May(otp.PhoneAuth) || !all.May("of-our-own") {
		t.Error("a caller without namespaces is kept out")
	}
	if !one.May(otp.PhoneAuth) {
		t.Error("kept out of its own namespace")
	}
	for _, ns := range []otp.Namespace{otp.AddPhone, "phone", "phone-auth2", "PHONE-AUTH", ""} {
		if one.May(ns) {
			t.Errorf("may work in %q", ns)
		}
	}
}

func TestThereAreTwoChannels(t *testing.T) {
	t.Parallel()
	for _, c := range otp.Channels {
		if !c.Valid() {
			t.Errorf("%s is listed and not valid", c)
		}
	}
	for _, c := range []otp.Channel{"", "SMS", "voice", "sms "} {
		if c.Valid() {
			t.Errorf("%q is valid", c)
		}
	}
}
