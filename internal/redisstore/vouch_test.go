package redisstore_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// vouch opens a session for a factor of a subject.
func (r *rig) vouch(how string) (otp.FactorID, otp.Owner, otp.Token) {
	r.t.Helper()
	owner := r.keys.FactorOwner(otp.PhoneAuth, "user-1", 16)
	id := otp.NewFactorID(owner.Partition)
	code, err := otp.ParseCode("739182", 6)
	if err != nil {
		r.t.Fatal(err)
	}
	token, seed := r.keys.TokenOf(owner, code, otp.NewNonce())
	expires, err := r.store.Vouch(r.t.Context(), otp.Voucher{Factor: id, Owner: owner, Session: seed, Life: time.Hour, How: how})
	if err != nil || expires.IsZero() {
		r.t.Fatal(expires, err)
	}
	return id, owner, token
}

func TestASessionOfAFactorIsGoodForItsSubjectUntilItIsUsedUp(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		if err := r.store.Awake(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		id, owner, token := r.vouch("")
		other := r.keys.FactorOwner(otp.PhoneAuth, "user-2", 16)
		other.Partition = owner.Partition
		if _, err := r.store.Session(t.Context(), token, other, true); !errors.Is(err, otp.ErrNotFound) {
			t.Errorf("for another subject: %v", err)
		}
		if s, err := r.store.Session(t.Context(), token, owner, false); err != nil || s.ID != otp.ID(id) || s.Channel != otp.TOTP || s.Masked != "" {
			t.Errorf("%+v, %v", s, err)
		}
		if _, err := r.store.Session(t.Context(), token, owner, true); err != nil {
			t.Error(err)
		}
		if _, err := r.store.Session(t.Context(), token, owner, true); !errors.Is(err, otp.ErrNotFound) {
			t.Errorf("used up: %v", err)
		}
		var told []string
		for _, m := range r.rdb.XRange(t.Context(), "events:{"+owner.Partition.String()+"}", "-", "+").Val() {
			if m.Values["id"] == string(id) && m.Values["an"] == string(owner.Anchor) {
				told = append(told, m.Values["type"].(string))
			}
		}
		if want := []string{"factor.approved", "factor.session_introspected", "factor.session_consumed"}; !slices.Equal(told, want) {
			t.Errorf("told %v", told)
		}
	})
}

func TestASessionOfAFactorEnds(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		_, owner, token := r.vouch("recovery_code")
		r.ahead.Add(int64(time.Hour))
		if _, err := r.store.Session(t.Context(), token, owner, false); !errors.Is(err, otp.ErrNotFound) {
			t.Errorf("%v", err)
		}
		for _, key := range stored(t, r.rdb, "*:session:*") {
			if left := r.rdb.PTTL(t.Context(), key).Val(); left <= 0 || left > time.Hour+2*time.Minute {
				t.Errorf("it is kept for %s", left)
			}
		}
	})
}
