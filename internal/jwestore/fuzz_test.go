package jwestore_test

import (
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/jwestore"
	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/storetest"
)

// FuzzTicket looks for a text that is taken for a ticket and was not sealed by us.
func FuzzTicket(f *testing.F) {
	t := jwestore.Tickets{Ring: storetest.Keys(f, "k1").Ticket, Now: time.Now}
	good, err := t.Seal(otp.Sealable{Slot: "slot", Namespace: "kept", ExpiresAt: time.Now().Add(24 * time.Hour)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good))
	f.Add("")
	f.Add("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiazEifQ....")
	f.Add(`{"protected":"e30","ciphertext":"AA"}`)
	f.Fuzz(func(tt *testing.T, text string) {
		if s, err := t.Open(otp.Ticket(text), "kept"); err == nil && text != string(good) && s.Slot != "slot" {
			tt.Errorf("%q is taken for a ticket: %+v", text, s)
		}
	})
}
