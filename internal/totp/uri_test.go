package totp_test

import (
	"strings"
	"testing"
	"time"

	key "github.com/pquerna/otp"
	generator "github.com/pquerna/otp/totp"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/redistest"
)

// Another library reads our URIs as apps do, and shows a code that is accepted.
func TestAURIIsReadByAnotherLibrary(t *testing.T) {
	t.Parallel()
	r := newRig(t, file(t), redistest.Client(t))
	for i, c := range []otp.Clockwork{
		otp.DefaultClockwork(),
		{Algorithm: otp.SHA256, Digits: 8, Period: 60 * time.Second, Skew: 2},
		{Algorithm: otp.SHA512, Digits: 7, Period: 20 * time.Second},
	} {
		q := request()
		q.Issuer, q.Account, q.Clockwork = "Müller & Söhne / 50% +1", "ada+x@example.com?&#", c
		e, err := r.Enrol(t.Context(), anybody, q)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(e.URI, "+") || strings.Contains(e.URI, " ") {
			t.Errorf("a space that some apps show as it stands: %s", strings.ReplaceAll(e.URI, e.Plain.Base32(), "…"))
		}
		k, err := key.NewKeyFromURL(e.URI)
		if err != nil {
			t.Fatal(err)
		}
		if k.Type() != "totp" || k.Issuer() != q.Issuer || k.AccountName() != q.Account || k.Secret() != e.Plain.Base32() ||
			k.Algorithm().String() != string(c.Algorithm) || int(k.Digits()) != c.Digits || k.Period() != uint64(c.Period/time.Second) {
			t.Errorf("%d: read as %q, %q, %s, %d, %d", i, k.Issuer(), k.AccountName(), k.Algorithm(), k.Digits(), k.Period())
		}
		shown, err := generator.GenerateCodeCustom(k.Secret(), r.Now(), generator.ValidateOpts{Period: uint(k.Period()), Digits: k.Digits(), Algorithm: k.Algorithm()})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := r.Confirm(t.Context(), anybody, e.ID, shown); err != nil || !v.Right() {
			t.Errorf("%d: its code is not taken: %q, %v", i, v.Reason, err)
		}
	}
}
