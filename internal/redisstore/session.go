package redisstore

import (
	"context"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	session = load("session")
	vouch   = load("vouch")
)

// Session returns the session that a token proves for an owner, and uses it up
// if consume is set. Its errors are otp.ErrNotFound, unless all of token,
// namespace and recipient match, and otp.ErrStoreUnavailable.
func (s *Store) Session(ctx context.Context, t otp.Token, o otp.Owner, consume bool) (otp.Session, error) {
	if t.Partition() != o.Partition {
		return otp.Session{}, otp.ErrNotFound
	}
	r, err := s.run(ctx, session, stateKey(o.Namespace, "session", o.Partition, t.Hash()),
		o.Partition.String(), string(o.Namespace), string(o.Anchor), consume)
	if err != nil {
		return otp.Session{}, err
	}
	if len(r) == 0 {
		return otp.Session{}, otp.ErrNotFound
	}
	return otp.Session{ID: otp.ID(r.text(0)), Channel: otp.Channel(r.text(1)), ExpiresAt: r.at(2), Masked: r.text(3)}, nil
}

// Awake fails with otp.ErrStoreUnavailable if a partition cannot be asked.
func (s *Store) Awake(ctx context.Context, p otp.Partition) error {
	return unavailable("awake", s.Redis.Exists(ctx, eventsKey(p)).Err())
}

// Vouch opens the session of a right check of a factor, and adds the event, in one
// step. Its error is otp.ErrStoreUnavailable.
func (s *Store) Vouch(ctx context.Context, v otp.Voucher) (expires time.Time, err error) {
	r, err := s.runDurable(ctx, vouch, stateKey(v.Owner.Namespace, "session", v.Owner.Partition, v.Session.Hash),
		v.Owner.Partition.String(), string(v.Factor), string(v.Owner.Namespace), string(v.Owner.Anchor), ms(v.Life), v.How)
	return r.at(0), err
}
