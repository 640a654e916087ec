package totp

import (
	"context"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// CheckRequest is what a person typed: a code that the app shows, or else a recovery
// code.
type CheckRequest struct {
	ID       otp.FactorID
	Code     string
	Recovery string
	Nonce    otp.Nonce // of a request that its caller may repeat; "" of any other
}

// Checked is a verdict on what a person typed, and the proof of a right one.
type Checked struct {
	otp.FactorVerdict
	ID        otp.FactorID
	Confirmed bool
	Token     otp.Token // of a right check
	ExpiresAt time.Time // of the token
	Replayed  bool      // this answer was given before
}

// Right tells whether the code was right.
func (c Checked) Right() bool { return c.Reason == "" }

// Check compares a code that the app shows, or a recovery code, each of which is
// good once. A wrong one is no error.
func (s *Service) Check(ctx context.Context, who otp.Caller, r CheckRequest) (Checked, error) {
	f, p, err := s.find(ctx, who, r.ID)
	if err != nil {
		return Checked{}, err
	}
	weigh, typed := s.guess, r.Code
	if r.Recovery != "" {
		weigh, typed = s.recoveryGuess, r.Recovery
	}
	code, g, err := weigh(f, p, typed)
	if err != nil {
		return Checked{}, err
	}
	owner := s.Keys.FactorOwner(f.Namespace, f.Subject, s.Partitions)
	var v verdict
	replayed, err := s.Repeats.Once(ctx, r.Nonce, []string{"check-factor", string(r.ID), r.Code, r.Recovery}, &v, func(n otp.Nonce) (err error) {
		v, err = s.decide(ctx, f, owner, code, g, n)
		return err
	})
	if err != nil {
		return Checked{}, err
	}
	c := Checked{FactorVerdict: v.FactorVerdict, ID: f.ID, Confirmed: f.Confirmed(), Replayed: replayed}
	if c.Right() {
		err = s.prove(&c, v, owner, code, p)
	}
	return c, err
}

// verdict is what is kept of a check: all but the token, which is made again.
type verdict struct {
	otp.FactorVerdict
	SessionKey string
	ExpiresAt  time.Time
	Nonce      otp.Nonce
}

// guess computes what a typed code comes to. Whether that is so nobody learns before
// the store has counted it.
func (s *Service) guess(f otp.Factor, p otp.Policy, typed string) (otp.Code, otp.FactorGuess, error) {
	code, err := otp.ParseCode(typed, f.Digits)
	if err != nil {
		return code, otp.FactorGuess{}, &otp.InputError{Field: "code", Detail: fmt.Sprintf("want %d digits; this did not count as a check", f.Digits), Err: err}
	}
	secret, err := s.Keys.OpenFactor(f.Namespace, f.ID, f.Secret)
	if err != nil {
		return code, otp.FactorGuess{}, fmt.Errorf("open the factor's secret: %w", err)
	}
	at := s.Now()
	now := f.Step(at)
	g := otp.FactorGuess{ID: f.ID, Namespace: f.Namespace, Step: matching(secret, f, now, code.Reveal()), Policy: p, Now: at}
	if g.Step > 0 {
		g.Drift = drift(f, now, g.Step)
	}
	return code, g, nil
}

// recoveryGuess is guess for a recovery code.
func (s *Service) recoveryGuess(f otp.Factor, p otp.Policy, typed string) (otp.Code, otp.FactorGuess, error) {
	code, err := otp.ParseRecoveryCode(typed)
	if err != nil {
		return code, otp.FactorGuess{}, &otp.InputError{Field: "recovery_code", Detail: "want ten letters and digits; this did not count as a check", Err: err}
	}
	return code, otp.FactorGuess{
		ID: f.ID, Namespace: f.Namespace, Recovery: s.Keys.RecoveryDigest(f.ID, code), Policy: p, Now: s.Now(),
	}, nil
}

// decide has a guess counted and, if it is right, a session opened. Redis is asked
// whether it is there before anything is counted: then the database takes the code,
// and then Redis opens the session and records it in one step. Whatever dies
// between costs the code, of which the app has another half a minute later, and
// never approves twice.
func (s *Service) decide(ctx context.Context, f otp.Factor, owner otp.Owner, code otp.Code, g otp.FactorGuess, n otp.Nonce) (v verdict, err error) {
	if err := s.Sessions.Awake(ctx, f.ID.Partition()); err != nil {
		return v, fmt.Errorf("ask for sessions: %w", err)
	}
	if v.FactorVerdict, err = s.Guesses.Guess(ctx, g); err != nil {
		return v, fmt.Errorf("check factor: %w", err)
	}
	if v.Reason != "" {
		return v, s.recordWrong(ctx, f, v.FactorVerdict)
	}
	how := ""
	if g.Recovery != "" {
		how = "recovery_code"
	}
	_, seed := s.Keys.TokenOf(owner, code, n)
	v.SessionKey, v.Nonce = seed.Key, n
	v.ExpiresAt, err = s.Sessions.Vouch(ctx, otp.Voucher{Factor: f.ID, Owner: owner, Session: seed, Life: g.Policy.SessionLife, How: how})
	if err != nil {
		return v, fmt.Errorf("open a session: %w", err)
	}
	return v, nil
}

func (s *Service) recordWrong(ctx context.Context, f otp.Factor, v otp.FactorVerdict) error {
	if err := s.record(ctx, f, "check_failed", "reason", string(v.Reason)); err != nil || v.LockedUntil.IsZero() {
		return err
	}
	return s.record(ctx, f, "locked")
}

// prove makes the session's token. The key is the verdict's: the answer may be given
// again.
func (s *Service) prove(c *Checked, v verdict, owner otp.Owner, code otp.Code, p otp.Policy) (err error) {
	c.ExpiresAt = v.ExpiresAt
	if p.Session != otp.SignedSession {
		c.Token, err = s.Keys.TokenAgain(v.SessionKey, owner, code, v.Nonce)
		return err
	}
	c.ExpiresAt = v.ExpiresAt.Truncate(time.Second) // as the token has it
	signed, err := s.Signer.Sign(otp.Claims{
		Key: v.SessionKey, ID: otp.ID(c.ID), Namespace: owner.Namespace, Channel: otp.TOTP, To: s.Keys.StandIn(owner),
		IssuedAt: c.ExpiresAt.Add(-p.SessionLife), ExpiresAt: c.ExpiresAt,
	})
	c.Token = otp.SignedToken(signed)
	return err
}
