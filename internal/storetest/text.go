package storetest

import (
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/address"
	"github.com/otpipe/otpipe/internal/otp"
)

// holds complains where one of the words is in a text.
func holds(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(text, w) {
			t.Errorf("%s holds %q", what, w)
		}
	}
}

func mustParse(t *testing.T) otp.Recipient {
	t.Helper()
	r, err := address.Parse(otp.SMS, Phone)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
