package totp

import (
	"context"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Checked is a verdict on what a person typed, and the proof of a right one.
type Checked struct {
	otp.FactorVerdict
	ID        otp.FactorID
	Confirmed bool
	Token     otp.Token // of a right check
	ExpiresAt time.Time // of the token
}

// Right tells whether the code was right.
func (c Checked) Right() bool { return c.Reason == "" }

// Check compares a code that the app shows. A wrong one is no error.
func (s *Service) Check(ctx context.Context, who otp.Caller, id otp.FactorID, typed string) (Checked, error) {
	f, p, err := s.find(ctx, who, id)
	if err != nil {
		return Checked{}, err
	}
	code, g, err := s.guess(f, p, typed)
	if err != nil {
		return Checked{}, err
	}
	return s.decide(ctx, f, code, g, "")
}

// Recover compares a recovery code, each of which is good once.
func (s *Service) Recover(ctx context.Context, who otp.Caller, id otp.FactorID, typed string) (Checked, error) {
	f, p, err := s.find(ctx, who, id)
	if err != nil {
		return Checked{}, err
	}
	code, err := otp.ParseRecoveryCode(typed)
	if err != nil {
		return Checked{}, &otp.InputError{Field: "recovery_code", Detail: "want ten letters and digits; this did not count as a check", Err: err}
	}
	g := otp.FactorGuess{ID: f.ID, Namespace: f.Namespace, Recovery: s.Keys.RecoveryDigest(f.ID, code), Secret: f.Secret, Policy: p, Now: s.Now()}
	return s.decide(ctx, f, code, g, "recovery_code")
}

// guess computes what a typed code comes to. Whether that is so nobody learns before
// the store has counted it.
func (s *Service) guess(f otp.Factor, p otp.Policy, typed string) (otp.Code, otp.FactorGuess, error) {
	code, err := otp.ParseCode(typed, f.Digits)
	if err != nil {
		return code, otp.FactorGuess{}, &otp.InputError{Field: "code", Detail: fmt.Sprintf("want %d digits; this did not count as a check", f.Digits), Err: err}
	}
	secret, stale, err := s.Keys.OpenFactor(f.Namespace, f.ID, f.Secret)
	if err != nil {
		return code, otp.FactorGuess{}, fmt.Errorf("open the factor's secret: %w", err)
	}
	at := s.Now()
	now := f.Step(at)
	g := otp.FactorGuess{ID: f.ID, Namespace: f.Namespace, Step: matching(secret, f, now, code.Reveal()), Secret: f.Secret, Policy: p, Now: at}
	if g.Step > 0 {
		g.Drift = drift(f, now, g.Step)
	}
	if stale {
		g.Secret = s.Keys.SealFactor(f.Namespace, f.ID, secret)
	}
	return code, g, nil
}

// decide has a guess counted and, if it is right, a session opened. Redis is asked
// whether it is there before anything is counted: then the database takes the code,
// and then Redis opens the session and records it in one step. Whatever dies
// between costs the code, of which the app has another half a minute later, and
// never approves twice.
func (s *Service) decide(ctx context.Context, f otp.Factor, code otp.Code, g otp.FactorGuess, how string) (Checked, error) {
	if err := s.Sessions.Awake(ctx, f.ID.Partition()); err != nil {
		return Checked{}, fmt.Errorf("ask for sessions: %w", err)
	}
	v, err := s.Guesses.Guess(ctx, g)
	if err != nil {
		return Checked{}, fmt.Errorf("check factor: %w", err)
	}
	c := Checked{FactorVerdict: v, ID: f.ID, Confirmed: f.Confirmed()}
	if !c.Right() {
		return c, s.recordWrong(ctx, f, v)
	}
	err = s.prove(ctx, &c, f, code, g.Policy, how)
	return c, err
}

func (s *Service) recordWrong(ctx context.Context, f otp.Factor, v otp.FactorVerdict) error {
	if err := s.record(ctx, f, "check_failed", "reason", string(v.Reason)); err != nil || v.LockedUntil.IsZero() {
		return err
	}
	return s.record(ctx, f, "locked")
}

// prove opens the session of a right check.
func (s *Service) prove(ctx context.Context, c *Checked, f otp.Factor, code otp.Code, p otp.Policy, how string) error {
	owner := s.Keys.FactorOwner(f.Namespace, f.Subject, s.Partitions)
	token, seed := s.Keys.TokenOf(owner, code, otp.NewNonce())
	expires, err := s.Sessions.Vouch(ctx, otp.Voucher{Factor: f.ID, Owner: owner, Session: seed, Life: p.SessionLife, How: how})
	if err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	c.Token, c.ExpiresAt = token, expires
	if p.Session != otp.SignedSession {
		return nil
	}
	c.ExpiresAt = expires.Truncate(time.Second) // as the token has it
	signed, err := s.Signer.Sign(otp.Claims{
		Key: s.Keys.Sign.Primary().ID(), ID: otp.ID(f.ID), Namespace: f.Namespace, Channel: otp.TOTP, To: s.Keys.StandIn(owner),
		IssuedAt: c.ExpiresAt.Add(-p.SessionLife), ExpiresAt: c.ExpiresAt,
	})
	c.Token = otp.SignedToken(signed)
	return err
}
