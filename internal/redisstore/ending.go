package redisstore

import (
	"context"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	cancel = load("cancel")
	unlock = load("unlock")
)

// Cancel ends a verification that nobody waits for; to cancel it again is no
// error. Its errors are otp.ErrNotFound, otp.ErrFinished if it ended otherwise,
// and otp.ErrStoreUnavailable.
func (s *Store) Cancel(ctx context.Context, id otp.ID) error {
	return s.CancelFor(ctx, id, otp.Act{})
}

// CancelFor is Cancel by a member of the staff.
func (s *Store) CancelFor(ctx context.Context, id otp.ID, a otp.Act) error {
	r, err := s.run(ctx, cancel, verificationKey(id), id.Partition().String(), string(id), a.Actor, a.Reason)
	switch {
	case err != nil:
		return err
	case r.text(0) == "none":
		return otp.ErrNotFound
	case r.text(0) == "finished":
		return otp.ErrFinished
	}
	return nil
}

// Unlock clears a recipient's lock, failed guesses and strikes; cleared tells
// whether there were any.
func (s *Store) Unlock(ctx context.Context, o otp.Owner, actor, reason string) (cleared bool, err error) {
	r, err := s.run(ctx, unlock, stateKey(o.Namespace, "lock", o.Partition, who(o)),
		o.Partition.String(), string(o.Namespace), joined(o.Identity), joined(o.Limit), string(o.Binding), actor, reason, string(o.Anchor))
	return r.number(0) == 1, err
}
