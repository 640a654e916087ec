package verify

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/otpipe/otpipe/internal/otp"
)

// once runs a request. One whose caller may repeat it, which is one with a
// nonce of the caller's, gets the answer of its first run again; a refusal is
// worked out anew. T must hold nothing that may not lie in the store.
func once[T any](ctx context.Context, s *Service, nonce otp.Nonce, said []string, run func(otp.Nonce) (T, error)) (answer T, replayed bool, err error) {
	if nonce == "" {
		answer, err = run(otp.NewNonce())
		return answer, false, err
	}
	r := otp.Repeatable{Nonce: nonce, Mark: s.Keys.MarkOf(said...), By: rand.Text()}
	kept, err := s.Repeats.Recall(ctx, r)
	switch {
	case err != nil:
		return answer, false, fmt.Errorf("repeated request: %w", err)
	case kept != nil:
		err = json.Unmarshal(kept, &answer)
		return answer, true, err
	}
	if answer, err = run(nonce); err != nil {
		return answer, false, errors.Join(err, s.Repeats.Forget(ctx, r))
	}
	// Should it not be kept, a repetition is run again under the same nonce, and
	// the store answers as it did.
	if kept, err = json.Marshal(answer); err == nil {
		_ = s.Repeats.Remember(ctx, r, kept)
	}
	return answer, false, err
}
