package redisstore

import (
	"context"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	recall   = load("recall")
	remember = load("remember")
	forget   = load("forget")
)

// Recall takes on a request that may come again. kept is the answer it got
// before, if any. Its errors are otp.ErrInFlight, otp.ErrKeyReused and
// otp.ErrStoreUnavailable.
func (s *Store) Recall(ctx context.Context, r otp.Repeatable) (kept []byte, err error) {
	got, err := s.run(ctx, recall, repeatKey(r.Nonce), r.Mark, r.By, ms(flight))
	switch {
	case err != nil:
		return nil, err
	case got.text(0) == "flight":
		return nil, otp.ErrInFlight
	case got.text(0) == "reused":
		return nil, otp.ErrKeyReused
	case got.text(0) == "kept":
		return []byte(got.text(1)), nil
	}
	return nil, nil
}

// Remember keeps the answer to a request for a day.
func (s *Store) Remember(ctx context.Context, r otp.Repeatable, answer []byte) error {
	_, err := s.run(ctx, remember, repeatKey(r.Nonce), r.Mark, r.By, string(answer))
	return err
}

// Forget lets a request be made anew, unless another run has taken it on.
func (s *Store) Forget(ctx context.Context, r otp.Repeatable) error {
	_, err := s.run(ctx, forget, repeatKey(r.Nonce), r.By)
	return err
}
