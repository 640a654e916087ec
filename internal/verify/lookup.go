package verify

import (
	"context"
	"fmt"

	"github.com/otpipe/otpipe/internal/otp"
)

// Get tells all that happened to a verification, and the policy it is under.
func (s *Service) Get(ctx context.Context, who otp.Caller, id otp.ID) (otp.History, otp.Policy, error) {
	h, err := s.find(ctx, who, id)
	return h, s.Namespaces[h.Namespace], err
}

// Cancel ends a verification that nobody waits for, and tells what happened to
// it. It fails with otp.ErrFinished if it ended otherwise before.
func (s *Service) Cancel(ctx context.Context, who otp.Caller, id otp.ID) (otp.History, otp.Policy, error) {
	if _, err := s.find(ctx, who, id); err != nil {
		return otp.History{}, otp.Policy{}, err
	}
	if err := s.Verifications.Cancel(ctx, id); err != nil {
		return otp.History{}, otp.Policy{}, fmt.Errorf("cancel verification: %w", err)
	}
	return s.Get(ctx, who, id)
}

// Unlock lets a recipient try again: it clears the lock, the failed guesses and
// the strikes, not the cooldown or the quotas. cleared tells whether there was anything.
func (s *Service) Unlock(ctx context.Context, who otp.Caller, ns otp.Namespace, to, binding, reason string) (cleared bool, err error) {
	if _, err := s.policy(who, ns); err != nil {
		return false, err
	}
	if err := otp.CheckReason(reason); err != nil {
		return false, err
	}
	if err := checkBinding(binding); err != nil {
		return false, err
	}
	owner, err := s.owner(ns, to, binding)
	if err != nil {
		return false, err
	}
	cleared, err = s.Locks.Unlock(ctx, owner, who.Name, reason)
	if err != nil {
		return false, fmt.Errorf("unlock recipient: %w", err)
	}
	return cleared, nil
}

// Session returns the session that a token proves for this namespace and
// recipient, and uses it up if consume is set. Its error is otp.ErrNotFound
// unless all of them match. A signed session cannot be used up.
func (s *Service) Session(ctx context.Context, who otp.Caller, token string, ns otp.Namespace, to string, consume bool) (otp.Session, error) {
	p, err := s.policy(who, ns)
	if err != nil {
		return otp.Session{}, err
	}
	owner, err := s.owner(ns, to, "")
	if err != nil {
		return otp.Session{}, err
	}
	return s.session(ctx, p, token, owner, consume)
}

// SubjectSession is Session for one that a factor of a subject has opened.
func (s *Service) SubjectSession(ctx context.Context, who otp.Caller, token string, ns otp.Namespace, subject string, consume bool) (otp.Session, error) {
	p, err := s.policy(who, ns)
	if err != nil {
		return otp.Session{}, err
	}
	return s.session(ctx, p, token, s.Keys.FactorOwner(ns, subject, s.Partitions), consume)
}

func (s *Service) session(ctx context.Context, p otp.Policy, token string, owner otp.Owner, consume bool) (otp.Session, error) {
	if p.Session == otp.SignedSession {
		return s.signed(token, owner, consume)
	}
	t, err := otp.ParseToken(token)
	if err != nil {
		return otp.Session{}, err
	}
	return s.Sessions.Session(ctx, t, owner, consume)
}

func (s *Service) signed(token string, o otp.Owner, consume bool) (otp.Session, error) {
	if consume {
		return otp.Session{}, &otp.InputError{Field: "token", Detail: fmt.Sprintf("a session of %s is good until it expires, and cannot be used up", o.Namespace), Err: otp.ErrInvalid}
	}
	c, err := s.Signer.Read(token, o.Namespace)
	if err != nil || c.To != s.Keys.StandIn(o) {
		return otp.Session{}, otp.ErrNotFound
	}
	return otp.Session{ID: c.ID, Channel: c.Channel, ExpiresAt: c.ExpiresAt}, nil
}
