package verify

import (
	"context"
	"fmt"

	"github.com/otpipe/otpipe/internal/otp"
)

// CheckRequest is what a person typed. Either ID is set, or Namespace and To.
type CheckRequest struct {
	ID        otp.ID
	Namespace otp.Namespace
	To        string
	Code      string
	Binding   string
	Nonce     otp.Nonce
}

// Checked is a verdict, and the proof that goes with a right one.
type Checked struct {
	otp.Verdict
	Token otp.Token // of a right check
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
	v, err := s.Verifications.Check(ctx, otp.Guess{
		Owner: owner, ID: r.ID, Digests: s.Keys.DigestsOf(owner, code),
		Policy: policy, Nonce: r.Nonce, Sessions: s.Keys.SessionsOf(owner, code, r.Nonce),
	})
	if err != nil {
		return Checked{}, fmt.Errorf("check code: %w", err)
	}
	c := Checked{Verdict: v}
	if v.Right() {
		// The key that made the token is the verdict's: the answer may be given again.
		c.Token, err = s.Keys.TokenAgain(v.SessionKey, owner, code, r.Nonce)
	}
	return c, err
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
