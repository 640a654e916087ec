package main

import (
	"testing"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
)

func TestEveryRecipientIsACanonicalMobileNumber(t *testing.T) {
	t.Parallel()
	for i := 0; i < 50_000_000; i += 99_991 {
		r, err := address.Parse(otp.SMS, recipient(i))
		if err != nil {
			t.Fatalf("recipient %d: %v", i, err)
		}
		if r.Reveal() != recipient(i) {
			t.Errorf("recipient %d: %s is written %s", i, recipient(i), r.Reveal())
		}
	}
}
