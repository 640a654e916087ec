package totp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

// batch is how many factors are looked at together.
const batch = 100

// Reseal seals the secrets that are sealed with older keys of the ring with its
// primary, and tells how many: factors outlive the keys of a ring, and an old one
// may leave when nothing is sealed with it any more. Those whose key is not there
// stay as they are, and are an error.
func (s *Service) Reseal(ctx context.Context) (done int, err error) {
	if s.Factors == nil {
		return 0, nil
	}
	unknown := 0
	for after := otp.FactorID(""); ; {
		stale, err := s.Factors.Stale(ctx, s.Keys.Seal.Primary().ID(), after, batch)
		if err != nil {
			return done, fmt.Errorf("find factors of older keys: %w", err)
		}
		if len(stale) == 0 {
			break
		}
		slices.SortFunc(stale, func(a, b otp.Factor) int { return strings.Compare(string(a.ID), string(b.ID)) })
		for _, f := range stale {
			secret, err := s.Keys.OpenFactor(f.Namespace, f.ID, f.Secret)
			if err != nil {
				unknown++
				continue
			}
			if err := s.Factors.Reseal(ctx, f.ID, f.Secret, s.Keys.SealFactor(f.Namespace, f.ID, secret)); err != nil {
				return done, fmt.Errorf("reseal a factor: %w", err)
			}
			done++
		}
		after = stale[len(stale)-1].ID
	}
	if unknown > 0 {
		err = fmt.Errorf("%d factors: %w", unknown, ErrKeyGone)
	}
	return done, err
}

// ErrKeyGone says that secrets of factors were sealed with a key that is not in the ring.
var ErrKeyGone = errors.New("sealed with a key that is not in the ring: put it back until they are sealed anew")
