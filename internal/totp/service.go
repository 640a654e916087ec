// Package totp lets the apps that show codes prove who somebody is: it enrols them,
// checks what they show, and takes recovery codes where one is lost (RFC 6238). It
// runs in the api.
package totp

import (
	"context"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// MostFactors is how many a subject may have.
const MostFactors = 10

// Enrolment is how long an app has to show its first code.
const Enrolment = 15 * time.Minute

// Factors keeps factors. It is used by many goroutines at once. What is not found
// is otp.ErrFactorNotFound.
type Factors interface {
	// Add fails with otp.ErrTooManyFactors if the subject has so many.
	Add(ctx context.Context, f otp.Factor, most int) error
	Find(ctx context.Context, id otp.FactorID, now time.Time) (otp.Factor, error)
	List(ctx context.Context, ns otp.Namespace, subject string, now time.Time) ([]otp.Factor, error)
	Delete(ctx context.Context, id otp.FactorID) error
	// Renew replaces the recovery codes of a confirmed factor.
	Renew(ctx context.Context, id otp.FactorID, digests []string) error
	// Stale are factors that another key than this one sealed, by their ids from one
	// on.
	Stale(ctx context.Context, key string, after otp.FactorID, most int) ([]otp.Factor, error)
	// Reseal exchanges a sealed secret if it is what it was.
	Reseal(ctx context.Context, id otp.FactorID, old, fresh otp.Sealed) error
}

// Guesses decides about guesses; see otp.FactorGuess.
type Guesses interface {
	// Guess fails with *otp.LimitError while the factor is locked, and with
	// otp.ErrFactorConfirmed or otp.ErrFactorUnconfirmed where the other is wanted.
	Guess(ctx context.Context, g otp.FactorGuess) (otp.FactorVerdict, error)
}

// Sessions keeps the proofs of right checks.
type Sessions interface {
	// Awake fails with otp.ErrStoreUnavailable where a session could not be opened.
	Awake(ctx context.Context, p otp.Partition) error
	// Vouch opens a session for a right check, and records the check with it.
	Vouch(ctx context.Context, v otp.Voucher) (expires time.Time, err error)
}

// Repeats runs requests that their callers may send again; see verify.Repeater.
type Repeats interface {
	Once(ctx context.Context, nonce otp.Nonce, said []string, answer any, run func(otp.Nonce) error) (replayed bool, err error)
}

// Records takes down what was done.
type Records interface {
	Tell(ctx context.Context, p otp.Partition, pairs ...string) error
}

// Signer makes sessions that need no look-up.
type Signer interface {
	Sign(c otp.Claims) (token string, err error)
}

// Service is wired by app; every field is required, but without Factors all answers
// are otp.ErrNoFactors. Its errors are those that package otp lists.
type Service struct {
	Factors    Factors
	Guesses    Guesses
	Sessions   Sessions
	Records    Records
	Repeats    Repeats
	Signer     Signer
	Namespaces map[otp.Namespace]otp.Policy
	Keys       otp.Keys
	Partitions int
	// Now is this process' clock: steps, locks and expiries are compared with it, so
	// that both databases and all tests have one. The clocks of processes that are a
	// second apart make a lock a second longer or shorter; that a code is accepted
	// once does not rest on them.
	Now func() time.Time
}

// policy is the policy of a namespace that the caller may work in.
func (s *Service) policy(who otp.Caller, ns otp.Namespace) (otp.Policy, error) {
	p, ok := s.Namespaces[ns]
	switch {
	case s.Factors == nil:
		return otp.Policy{}, otp.ErrNoFactors
	case !who.May(ns):
		return otp.Policy{}, fmt.Errorf("namespace: %w", otp.ErrNamespaceForbidden)
	case !ok:
		return otp.Policy{}, otp.ErrNamespaceNotFound
	}
	return p, nil
}

// find is a factor that the caller may know of.
func (s *Service) find(ctx context.Context, who otp.Caller, id otp.FactorID) (otp.Factor, otp.Policy, error) {
	if s.Factors == nil {
		return otp.Factor{}, otp.Policy{}, otp.ErrNoFactors
	}
	f, err := s.Factors.Find(ctx, id, s.Now())
	if err != nil {
		return otp.Factor{}, otp.Policy{}, fmt.Errorf("find factor: %w", err)
	}
	p, known := s.Namespaces[f.Namespace]
	if !who.May(f.Namespace) || !known {
		return otp.Factor{}, otp.Policy{}, otp.ErrFactorNotFound
	}
	return f, p, nil
}

// Get tells of a factor.
func (s *Service) Get(ctx context.Context, who otp.Caller, id otp.FactorID) (otp.Factor, error) {
	f, _, err := s.find(ctx, who, id)
	return f, err
}

// List tells of a subject's factors, the oldest first.
func (s *Service) List(ctx context.Context, who otp.Caller, ns otp.Namespace, subject string) ([]otp.Factor, error) {
	if _, err := s.policy(who, ns); err != nil {
		return nil, err
	}
	if err := checkSubject(subject); err != nil {
		return nil, err
	}
	all, err := s.Factors.List(ctx, ns, subject, s.Now())
	if err != nil {
		return nil, fmt.Errorf("list factors: %w", err)
	}
	return all, nil
}

// Delete forgets a factor, and tells what it was.
func (s *Service) Delete(ctx context.Context, who otp.Caller, id otp.FactorID) (otp.Factor, error) {
	f, err := s.willing(ctx, who, id)
	if err != nil {
		return f, err
	}
	if err := s.Factors.Delete(ctx, id); err != nil {
		return f, fmt.Errorf("delete factor: %w", err)
	}
	return f, s.record(ctx, f, "deleted")
}

// willing is find, before something is done that has to be recorded: it fails if
// that could not be.
func (s *Service) willing(ctx context.Context, who otp.Caller, id otp.FactorID) (otp.Factor, error) {
	f, _, err := s.find(ctx, who, id)
	if err != nil {
		return f, err
	}
	if err := s.Sessions.Awake(ctx, f.ID.Partition()); err != nil {
		return f, fmt.Errorf("ask for the records: %w", err)
	}
	return f, nil
}

// record takes down what was done with a factor.
func (s *Service) record(ctx context.Context, f otp.Factor, what string, more ...string) error {
	owner := s.Keys.FactorOwner(f.Namespace, f.Subject, s.Partitions)
	pairs := append([]string{"type", "factor." + what, "id", string(f.ID), "ns", string(f.Namespace), "an", string(owner.Anchor)}, more...)
	if err := s.Records.Tell(ctx, f.ID.Partition(), pairs...); err != nil {
		return fmt.Errorf("record that a factor was %s: %w", what, err)
	}
	return nil
}
