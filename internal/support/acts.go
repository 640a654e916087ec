package support

import (
	"context"
	"errors"
	"fmt"

	"github.com/otpipe/otpipe/internal/otp"
)

// ErrRole says that the person's role does not reach.
var ErrRole = errors.New("the role does not allow this")

// ErrUnreachable says that nothing can be sent to a verification's recipient any
// more: what it was sealed with is gone.
var ErrUnreachable = errors.New("the recipient's address cannot be opened any more")

// subject is a verification somebody acts on.
type subject struct {
	history otp.History
	file    otp.Case
	act     otp.Act
	to      otp.Recipient // from takeRecipient
	owner   otp.Owner     // likewise
}

// take looks whether the person may act on a verification, and says why.
func (s *Service) take(ctx context.Context, who otp.Staff, least otp.Role, id otp.ID, reason string) (on subject, err error) {
	if !who.Role.Includes(least) {
		return on, ErrRole
	}
	if err := otp.CheckReason(reason); err != nil {
		return on, err
	}
	if on.history, err = s.find(ctx, who, id); err != nil {
		return on, err
	}
	if on.file, err = s.Journal.Case(ctx, id); err != nil {
		return on, fmt.Errorf("open case: %w", err)
	}
	on.act = otp.Act{Actor: who.Name, Reason: reason}
	return on, nil
}

// takeRecipient is take for what is done to a verification's recipient.
func (s *Service) takeRecipient(ctx context.Context, who otp.Staff, least otp.Role, id otp.ID, reason string) (subject, error) {
	on, err := s.take(ctx, who, least, id, reason)
	if err != nil {
		return on, err
	}
	if on.to, on.owner, err = s.whose(on.history, on.file); err != nil {
		return on, errors.Join(ErrUnreachable, err)
	}
	return on, nil
}

// SendAgain has the code sent once more to the recipient, by the same limits as
// if the product had asked: its error is then *otp.LimitError. It is
// otp.ErrFinished if the verification has ended.
func (s *Service) SendAgain(ctx context.Context, who otp.Staff, id otp.ID, reason string) error {
	on, err := s.takeRecipient(ctx, who, otp.Operator, id, reason)
	if err != nil {
		return err
	}
	if on.file.Letter == "" {
		return otp.ErrFinished
	}
	policy := s.Namespaces[on.history.Namespace]
	code := otp.NewCode(policy.Digits) // of use if the one that was sent is too old
	opened, err := s.Acts.Start(ctx, otp.Opening{
		Owner: on.owner, ID: otp.NewID(on.owner.Partition), Policy: policy, Channel: on.to.Channel(), Masked: on.history.Masked,
		Nonce: otp.NewNonce(), Digest: s.Keys.DigestOf(on.owner, code), Code: s.Keys.SealCode(on.owner, code),
		Letter: on.file.Letter, Address: on.file.Address, Fallbacks: on.file.Elsewhere, Act: on.act,
	})
	if err != nil {
		return fmt.Errorf("send again: %w", err)
	}
	if opened.State == otp.Queued {
		s.Ringer.Ring(ctx, otp.Due{Order: opened.Order, Channel: opened.Channel})
	}
	return nil
}

// Divert has the code go to one of the other addresses that the product named,
// by that one's limits. Its errors are otp.ErrInFlight while the code is being
// handed over, otp.ErrFinished, and otp.ErrNotFound if there is no such address.
func (s *Service) Divert(ctx context.Context, who otp.Staff, id otp.ID, ch otp.Channel, masked, reason string) error {
	on, err := s.take(ctx, who, otp.Operator, id, reason)
	if err != nil {
		return err
	}
	due, err := s.Acts.Divert(ctx, id, ch, masked, on.act)
	if err != nil {
		return fmt.Errorf("send elsewhere: %w", err)
	}
	s.Ringer.Ring(ctx, due)
	return nil
}

// Cancel makes a code useless. Its error is otp.ErrFinished if the verification
// ended otherwise before.
func (s *Service) Cancel(ctx context.Context, who otp.Staff, id otp.ID, reason string) error {
	on, err := s.take(ctx, who, otp.Operator, id, reason)
	if err != nil {
		return err
	}
	if err := s.Acts.CancelFor(ctx, id, on.act); err != nil {
		return fmt.Errorf("cancel: %w", err)
	}
	return nil
}

// Unlock lets the recipient try again in this namespace, and under the binding
// that the verification has.
func (s *Service) Unlock(ctx context.Context, who otp.Staff, id otp.ID, reason string) (cleared bool, err error) {
	on, err := s.takeRecipient(ctx, who, otp.Operator, id, reason)
	if err != nil {
		return false, err
	}
	if cleared, err = s.Acts.Unlock(ctx, on.owner, on.act.Actor, reason); err != nil {
		return false, fmt.Errorf("unlock: %w", err)
	}
	return cleared, nil
}

// Unsuppress lets messages go to the recipient again.
func (s *Service) Unsuppress(ctx context.Context, who otp.Staff, id otp.ID, ch otp.Channel, reason string) (cleared bool, err error) {
	on, err := s.takeRecipient(ctx, who, otp.Operator, id, reason)
	if err != nil {
		return false, err
	}
	if cleared, err = s.Acts.Unsuppress(ctx, id, on.owner, ch, on.act); err != nil {
		return false, fmt.Errorf("clear suppression: %w", err)
	}
	return cleared, nil
}

// Reveal tells the recipient's address, once it is written down that it does.
func (s *Service) Reveal(ctx context.Context, who otp.Staff, id otp.ID, reason string) (string, error) {
	on, err := s.takeRecipient(ctx, who, otp.Admin, id, reason)
	if err != nil {
		return "", err
	}
	if err := s.Acts.Witness(ctx, id, "revealed", on.act); err != nil {
		return "", fmt.Errorf("reveal: %w", err)
	}
	return on.to.Reveal(), nil
}
