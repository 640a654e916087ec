package otp_test

import (
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestARoleIncludesTheOnesBefore(t *testing.T) {
	t.Parallel()
	for i, r := range otp.Roles {
		for j, least := range otp.Roles {
			if got := r.Includes(least); got != (i >= j) {
				t.Errorf("%s includes %s: %t", r, least, got)
			}
		}
	}
	for _, unknown := range []otp.Role{"", "root"} {
		if unknown.Includes(otp.Viewer) || otp.Admin.Includes(unknown) {
			t.Errorf("the role %q may do something, or is included in one", unknown)
		}
	}
}

func TestStaffWorkInTheirNamespacesOnly(t *testing.T) {
	t.Parallel()
	some := otp.Staff{Namespaces: []otp.Namespace{otp.PhoneAuth}}
	if !some.May(otp.PhoneAuth) || some.May(otp.AddEmail) {
		t.Error("not their namespaces")
	}
	if !(otp.Staff{}).May(otp.AddEmail) {
		t.Error("without a list it is all of them")
	}
}
