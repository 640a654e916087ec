package jwtsession_test

import (
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/jwtsession"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/storetest"
)

// FuzzRead looks for a text that is taken for a session and was not signed by us.
func FuzzRead(f *testing.F) {
	s := jwtsession.Signer{Ring: storetest.Keys(f, "k1").Sign, Issuer: issuer, Now: time.Now}
	good, err := s.Sign(otp.Claims{Key: "k1", ID: "ours", Namespace: "n", IssuedAt: time.Now(), ExpiresAt: time.Now().Add(24 * time.Hour)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := s.Read(text, "n"); err == nil && c.ID != "ours" {
			t.Errorf("%q is taken for a session: %+v", text, c)
		}
	})
}
