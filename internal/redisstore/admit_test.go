package redisstore_test

import (
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// mailOpening is a start for a mailbox.
func (r *rig) mailOpening(to otp.Recipient) otp.Opening {
	r.t.Helper()
	o := r.opening(ask{}.filled())
	o.Owner = r.keys.Owner(otp.PhoneAuth, to, "", 16)
	o.ID, o.Channel, o.Nonce = otp.NewID(o.Owner.Partition), otp.Email, otp.NewNonce()
	return o
}

// Two spellings of a mailbox share their limits, so the other one has been sent
// to a moment ago.
func TestAnotherSpellingOfTheSameMailboxIsNotSentToForFree(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ada := otp.NewRecipient(otp.Email, "ada@example.com", "ada@example.com", "a•••")
		alias := otp.NewRecipient(otp.Email, "ada+x@example.com", "ada@example.com", "a•••")
		got, err := r.store.Start(t.Context(), r.mailOpening(ada))
		r.must(err)
		limit, err := r.store.Admit(t.Context(), got.Order, r.keys.Owner(otp.PhoneAuth, alias, "", 16), otp.Email, r.policy)
		if err != nil || limit != "cooldown" {
			t.Fatalf("limit %q, %v", limit, err)
		}
	})
}

func TestTheOtherAddressKeepsItsLimitsUnderANewKey(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.keys = keysOf(t, "k1", "k2")
		_, err := r.store.Start(t.Context(), r.mailOpening(other))
		r.must(err)
		old := r.otherOwner()
		lock := "phone-auth:lock:{" + old.Partition.String() + "}" + string(old.Identity[0])
		r.keys = keysOf(t, "k2", "k1")
		admit := func() string {
			limit, err := r.store.Admit(t.Context(), otp.Order{ID: otp.NewID(3), Send: 1}, r.otherOwner(), otp.Email, r.policy)
			r.must(err)
			return limit
		}
		if l := admit(); l != "cooldown" {
			t.Errorf("limit %q", l)
		}
		r.must(r.rdb.Set(t.Context(), lock, "9999999999999 1", time.Hour).Err())
		if l := admit(); l != "lock" {
			t.Errorf("limit %q", l)
		}
	})
}
