package verify

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/otpipe/otpipe/internal/otp"
)

// Repeater runs requests that their callers may send again.
type Repeater struct {
	Repeats Repeats
	Keys    otp.Keys
}

// Once runs a request. One whose caller may repeat it, which is one with a nonce of
// the caller's, gets the answer of its first run again; a refusal is worked out
// anew. answer points to what run sets, and holds nothing that may not lie in the
// store.
func (p Repeater) Once(ctx context.Context, nonce otp.Nonce, said []string, answer any, run func(otp.Nonce) error) (replayed bool, err error) {
	if nonce == "" {
		return false, run(otp.NewNonce())
	}
	r := otp.Repeatable{Nonce: nonce, Mark: p.Keys.MarkOf(said...), By: rand.Text()}
	kept, err := p.Repeats.Recall(ctx, r)
	switch {
	case err != nil:
		return false, fmt.Errorf("repeated request: %w", err)
	case kept != nil:
		return true, json.Unmarshal(kept, answer)
	}
	if err := run(nonce); err != nil {
		return false, errors.Join(err, p.Repeats.Forget(ctx, r))
	}
	// Should it not be kept, a repetition is run again under the same nonce, and
	// the store answers as it did.
	if kept, err = json.Marshal(answer); err == nil {
		_ = p.Repeats.Remember(ctx, r, kept)
	}
	return false, err
}

// once is Once for an answer of any type.
func once[T any](ctx context.Context, s *Service, nonce otp.Nonce, said []string, run func(otp.Nonce) (T, error)) (answer T, replayed bool, err error) {
	replayed, err = Repeater{s.Repeats, s.Keys}.Once(ctx, nonce, said, &answer, func(n otp.Nonce) (err error) {
		answer, err = run(n)
		return err
	})
	return answer, replayed, err
}
