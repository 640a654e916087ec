package jwestore_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/jwestore"
	"github.com/otpipe/otpipe/internal/otp"
)

// FuzzTicket looks for a text that is taken for a ticket and was not sealed by us.
func FuzzTicket(f *testing.F) {
	key, err := otp.NewKey("k1", bytes.Repeat([]byte("k1"), otp.KeySize/2))
	if err != nil {
		f.Fatal(err)
	}
	ring, err := otp.NewRing("k1", key)
	if err != nil {
		f.Fatal(err)
	}
	t := jwestore.Tickets{Ring: ring, Now: time.Now}
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
