package totp

import (
	"context"
	"fmt"

	"github.com/otpipe/otpipe/internal/otp"
)

// Confirmed is a verdict on a factor's first code, and its recovery codes if that
// was right: they are told once.
type Confirmed struct {
	Checked
	Recovery []otp.Code
}

// Confirm compares the first code of a factor, which is good from then on. It opens
// no session: who enrols has been somebody before.
func (s *Service) Confirm(ctx context.Context, who otp.Caller, id otp.FactorID, typed string) (Confirmed, error) {
	f, p, err := s.find(ctx, who, id)
	if err != nil {
		return Confirmed{}, err
	}
	_, g, err := s.guess(f, p, typed)
	if err != nil {
		return Confirmed{}, err
	}
	if err := s.Sessions.Awake(ctx, f.ID.Partition()); err != nil {
		return Confirmed{}, fmt.Errorf("ask for the records: %w", err)
	}
	codes, digests := s.recovery(f.ID)
	g.Confirm, g.Fresh = true, digests
	v, err := s.Guesses.Guess(ctx, g)
	if err != nil {
		return Confirmed{}, fmt.Errorf("confirm factor: %w", err)
	}
	c := Confirmed{Checked: Checked{FactorVerdict: v, ID: f.ID, Confirmed: v.Reason == ""}}
	if !c.Right() {
		return c, s.recordWrong(ctx, f, v)
	}
	c.Recovery = codes
	return c, s.record(ctx, f, "confirmed")
}

// Renew makes new recovery codes; the old ones are worth nothing then.
func (s *Service) Renew(ctx context.Context, who otp.Caller, id otp.FactorID) ([]otp.Code, error) {
	f, err := s.willing(ctx, who, id)
	if err != nil {
		return nil, err
	}
	if !f.Confirmed() {
		return nil, otp.ErrFactorUnconfirmed
	}
	codes, digests := s.recovery(f.ID)
	if err := s.Factors.Renew(ctx, f.ID, digests); err != nil {
		return nil, fmt.Errorf("renew recovery codes: %w", err)
	}
	return codes, s.record(ctx, f, "recovery_codes_renewed")
}

// recovery draws recovery codes, and what is kept of them.
func (s *Service) recovery(id otp.FactorID) (codes []otp.Code, digests []string) {
	for range otp.RecoveryCodes {
		c := otp.NewRecoveryCode()
		codes, digests = append(codes, c), append(digests, s.Keys.RecoveryDigest(id, c))
	}
	return codes, digests
}
