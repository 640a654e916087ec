package totp

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what RFC 6238 computes with by default; HMAC does not rest on what is broken of it
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/otpipe/otpipe/internal/otp"
)

var hashes = map[otp.Algorithm]func() hash.Hash{otp.SHA1: sha1.New, otp.SHA256: sha256.New, otp.SHA512: sha512.New}

// CodeAt is the code of a step: RFC 4226 §5.3 with the step for a counter.
func CodeAt(secret otp.FactorSecret, c otp.Clockwork, step int64) string {
	mac := hmac.New(hashes[c.Algorithm], secret.Reveal())
	_ = binary.Write(mac, binary.BigEndian, step) // to a hash it never fails
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	limit := uint32(1)
	for range c.Digits {
		limit *= 10
	}
	return fmt.Sprintf("%0*d", c.Digits, number%limit)
}

// matching is the step whose code was typed, among those that the app's clock may
// show; 0 if there is none. Of several it is the latest. All are compared, in a
// time that does not tell which it was.
//
// The window has its middle where the clock was found last, so it follows one that
// is slow or fast, and is never wider than the skew on both sides.
func matching(secret otp.FactorSecret, f otp.Factor, now int64, typed string) (step int64) {
	middle := now + int64(f.Drift)
	for s := middle - int64(f.Skew); s <= middle+int64(f.Skew); s++ {
		same := subtle.ConstantTimeCompare([]byte(CodeAt(secret, f.Clockwork, s)), []byte(typed))
		step = int64(subtle.ConstantTimeSelect(same, int(s), int(step)))
	}
	return step
}

// drift is how many steps a clock is off, as far as it is followed.
func drift(f otp.Factor, now, step int64) int {
	return max(-f.Skew, min(f.Skew, int(step-now)))
}
