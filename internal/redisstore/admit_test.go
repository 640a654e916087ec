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
		limit, err := r.store.Admit(t.Context(), got.Order, r.keys.Owner(otp.PhoneAuth, alias, "", 16), otp.Email, r.policy, nil)
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
			limit, err := r.store.Admit(t.Context(), otp.Order{ID: otp.NewID(3), Send: 1}, r.otherOwner(), otp.Email, r.policy, nil)
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

func TestTheOtherAddressIsChargedToAllBucketsOrNone(t *testing.T) {
	onServers(t, func(t *testing.T, r *rig) {
		bucket := func(name string, most int64) otp.Bucket {
			return otp.Bucket{Name: name, Key: r.keys.BucketOf(name), Max: most, Interval: time.Hour, Cost: 2}
		}
		wide, narrow := bucket("wide", 5), bucket("narrow", 3)
		r.policy.Cooldown, r.policy.AllCooldown, r.policy.Daily = 0, 0, 2
		id := otp.NewID(3)
		for n, want := range []struct {
			also  []otp.Bucket
			limit string
		}{
			{[]otp.Bucket{wide, narrow}, ""},
			{[]otp.Bucket{wide, narrow}, "narrow"},
			{[]otp.Bucket{wide}, ""}, // had the refused one been charged, this would be too much, of the bucket as of the day
			{[]otp.Bucket{wide}, "daily"},
		} {
			limit, err := r.store.Admit(t.Context(), otp.Order{ID: id, Send: n + 1}, r.otherOwner(), otp.Email, r.policy, want.also)
			if r.must(err); limit != want.limit {
				t.Errorf("send %d: limit %q, want %q", n+1, limit, want.limit)
			}
		}
	})
}
