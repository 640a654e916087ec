package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// CheckRequest is what a person typed. Either ID is set, or Namespace and To.
type CheckRequest struct {
	ID        otp.ID
	Namespace otp.Namespace
	To        string
	Code      string
	Binding   string
	Ticket    otp.Ticket // where codes are kept in tickets
	Nonce     otp.Nonce  // of a request that its caller may repeat; "" of any other
}

// Checked is a verdict, and the proof that goes with a right one.
type Checked struct {
	otp.Verdict
	Token    otp.Token // of a right check
	Replayed bool      // this answer was given before
}

// Check counts a guess and compares it. A wrong code is no error.
func (s *Service) Check(ctx context.Context, who otp.Caller, r CheckRequest) (Checked, error) {
	if err := checkBinding(r.Binding); err != nil {
		return Checked{}, err
	}
	owner, err := s.ownerOf(ctx, who, r)
	if err != nil {
		return Checked{}, err
	}
	policy, err := s.policy(who, owner.Namespace)
	if err != nil {
		return Checked{}, err
	}
	code, err := otp.ParseCode(r.Code, policy.Digits)
	if err != nil {
		return Checked{}, &otp.InputError{Field: "code", Detail: fmt.Sprintf("want %d digits; this did not count as a check", policy.Digits), Err: err}
	}
	said := []string{"check", string(r.ID), string(r.Namespace), r.To, r.Code, r.Binding}
	if r.Ticket != "" {
		said = append(said, string(r.Ticket))
	}
	v, replayed, err := once(ctx, s, r.Nonce, said, func(n otp.Nonce) (verdict, error) {
		v, err := s.Verifications.Check(ctx, otp.Guess{
			Owner: owner, ID: r.ID, Ticket: r.Ticket, Digests: s.Keys.DigestsOf(owner, code),
			Policy: policy, Nonce: n, Sessions: s.Keys.SessionsOf(owner, code, n),
		})
		return verdict{v, n}, err
	})
	if err != nil {
		return Checked{}, fmt.Errorf("check code: %w", err)
	}
	c := Checked{Verdict: v.Verdict, Replayed: replayed}
	if v.Right() {
		err = s.prove(&c, owner, policy, code, v.Nonce)
	}
	return c, err
}

// prove makes the session's token. The key is the verdict's: the answer may be given
// again.
func (s *Service) prove(c *Checked, owner otp.Owner, p otp.Policy, code otp.Code, n otp.Nonce) (err error) {
	if p.Session == otp.SignedSession {
		c.ExpiresAt = c.ExpiresAt.Truncate(time.Second) // as the token has it
		signed, err := s.Signer.Sign(otp.Claims{
			Key: c.SessionKey, ID: c.ID, Namespace: owner.Namespace, Channel: c.Channel, To: s.Keys.StandIn(owner),
			IssuedAt: c.ExpiresAt.Add(-p.SessionLife), ExpiresAt: c.ExpiresAt,
		})
		c.Token = otp.SignedToken(signed)
		return err
	}
	c.Token, err = s.Keys.TokenAgain(c.SessionKey, owner, code, n)
	return err
}

// verdict is what is kept of a check: all but the token, which is made again.
type verdict struct {
	otp.Verdict
	Nonce otp.Nonce
}

// ownerOf names the owner of the code. An id that is unknown, or of a namespace
// that is not the caller's, still yields an answer of the ordinary form.
func (s *Service) ownerOf(ctx context.Context, who otp.Caller, r CheckRequest) (otp.Owner, error) {
	if r.ID == "" {
		if _, err := s.policy(who, r.Namespace); err != nil {
			return otp.Owner{}, err
		}
		return s.owner(r.Namespace, r.To, r.Binding)
	}
	owner, err := s.Verifications.Locate(ctx, r.ID)
	if err != nil {
		return otp.Owner{}, fmt.Errorf("locate verification: %w", err)
	}
	if !who.May(owner.Namespace) {
		return otp.Owner{}, otp.ErrNotFound
	}
	owner.Binding = s.Keys.BindingOf(r.Binding)
	return owner, nil
}
