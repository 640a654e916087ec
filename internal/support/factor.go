package support

import (
	"context"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Factors keeps authenticator apps.
type Factors interface {
	// Find fails with otp.ErrFactorNotFound.
	Find(ctx context.Context, id otp.FactorID, now time.Time) (otp.Factor, error)
}

// FactorFile is an authenticator app and how it stands. It has no secret in clear.
type FactorFile struct {
	otp.Factor
	Explanation Explanation
	Now         time.Time
}

// Factor is what there is to know of an app. Its errors are otp.ErrFactorNotFound
// and otp.ErrStoreUnavailable.
func (s *Service) Factor(ctx context.Context, who otp.Staff, id otp.FactorID) (FactorFile, error) {
	if s.Factors == nil {
		return FactorFile{}, otp.ErrFactorNotFound
	}
	now := s.Now()
	f, err := s.Factors.Find(ctx, id, now)
	if err != nil {
		return FactorFile{}, fmt.Errorf("find factor: %w", err)
	}
	if !who.May(f.Namespace) {
		return FactorFile{}, otp.ErrFactorNotFound
	}
	f.Secret = "" // no page needs it, sealed or not
	return FactorFile{f, explainFactor(f, now), now}, nil
}

func explainFactor(f otp.Factor, now time.Time) Explanation {
	switch {
	case f.LockedUntil.After(now):
		return Explanation{
			"locked", "Locked after too many wrong codes.",
			"Ask the person to wait, or to use another way to sign in: recovery codes of this app are locked too.", Bad,
		}
	case !f.Confirmed():
		return Explanation{
			"unconfirmed", "Enrolled, and the app has not shown a right code yet.",
			"Ask the person to type the code that the app shows now; otherwise they have to scan a new QR code later.", Wait,
		}
	case f.Fails > 0:
		return Explanation{
			"works", fmt.Sprintf("Not locked, and since the last right code: %s.", count(f.Fails, "wrong one")),
			"Ask the person to have their phone set its clock by itself, and to look whether they read the code of this account.", Wait,
		}
	}
	return Explanation{"works", "Confirmed and not locked.", "Nothing. If the person still cannot get in, the cause lies in the product.", Good}
}
