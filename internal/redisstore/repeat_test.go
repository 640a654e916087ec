package redisstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

func repeatable(by string) otp.Repeatable {
	return otp.Repeatable{Nonce: otp.NonceOf("shop", "start", "order-17"), Mark: "mark", By: by}
}

func (r *rig) recall(q otp.Repeatable, want error) (kept string) {
	r.t.Helper()
	b, err := r.store.Recall(r.t.Context(), q)
	if !errors.Is(err, want) {
		r.t.Fatalf("recall by %s: %v, want %v", q.By, err, want)
	}
	return string(b)
}

func TestARequestIsOneRunsUntilItIsAnsweredOrTookTooLong(t *testing.T) {
	each(t, func(_ *testing.T, r *rig) {
		r.recall(repeatable("a"), nil)
		r.recall(repeatable("a"), nil) // the network repeated the command
		r.recall(repeatable("b"), otp.ErrInFlight)
		r.pass(2 * time.Second)
		r.recall(repeatable("b"), nil)
		r.recall(repeatable("a"), otp.ErrInFlight)
	})
}

func TestARunThatLostItsRequestNeitherAnswersNorForgetsIt(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		slow, quick := repeatable("slow"), repeatable("quick")
		r.recall(slow, nil)
		r.pass(2 * time.Second)
		r.recall(quick, nil)
		if err := errors.Join(r.store.Remember(t.Context(), slow, []byte("slow's")), r.store.Forget(t.Context(), slow)); err != nil {
			t.Fatal(err)
		}
		r.recall(repeatable("third"), otp.ErrInFlight)
		if err := r.store.Remember(t.Context(), quick, []byte(`{"a": "b c"}`)); err != nil {
			t.Fatal(err)
		}
		if err := r.store.Forget(t.Context(), quick); err != nil {
			t.Fatal(err)
		}
		if kept := r.recall(repeatable("third"), nil); kept != `{"a": "b c"}` {
			t.Errorf("kept %q", kept)
		}
	})
}

func TestAForgottenRequestIsMadeAnew(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.recall(repeatable("a"), nil)
		if err := r.store.Forget(t.Context(), repeatable("a")); err != nil {
			t.Fatal(err)
		}
		other := repeatable("b")
		other.Mark = "other"
		r.recall(other, nil)
		r.recall(repeatable("c"), otp.ErrKeyReused)
		if ttl := r.rdb.PTTL(t.Context(), "repeat:"+string(other.Nonce)).Val(); ttl <= 23*time.Hour || ttl > 24*time.Hour {
			t.Errorf("TTL %s", ttl)
		}
	})
}
