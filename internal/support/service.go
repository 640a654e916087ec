// Package support answers "where is my code?" and lets operators act on the
// answer: it finds a recipient's verifications, tells what became of them in
// plain words, and carries out what a person of the staff decides. It runs in
// the api.
package support

import (
	"context"
	"fmt"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Journal tells what happened.
type Journal interface {
	// Recent names the owner's recipient's newest verifications in all
	// namespaces, the newest first.
	Recent(ctx context.Context, o otp.Owner) ([]otp.Mention, error)
	// Histories tells of those that are still kept, in the order of ids.
	Histories(ctx context.Context, ids []otp.ID) ([]otp.History, error)
	// Case fails with otp.ErrNotFound.
	Case(ctx context.Context, id otp.ID) (otp.Case, error)
	// Allowance tells what an owner's recipient may do now.
	Allowance(ctx context.Context, o otp.Owner) (otp.Allowance, error)
}

// Acts changes what the journal tells of. Each act is written down with who did
// it, in the same step.
type Acts interface {
	// Start fails with *otp.LimitError.
	Start(ctx context.Context, o otp.Opening) (otp.Opened, error)
	// CancelFor fails with otp.ErrFinished if the verification ended otherwise.
	CancelFor(ctx context.Context, id otp.ID, a otp.Act) error
	Unlock(ctx context.Context, o otp.Owner, actor, reason string) (cleared bool, err error)
	Unsuppress(ctx context.Context, id otp.ID, o otp.Owner, ch otp.Channel, a otp.Act) (cleared bool, err error)
	// Divert fails with otp.ErrInFlight while the code is being handed over.
	Divert(ctx context.Context, id otp.ID, ch otp.Channel, masked string, a otp.Act) (otp.Due, error)
	// Witness writes down that somebody saw what few may see.
	Witness(ctx context.Context, id otp.ID, what string, a otp.Act) error
	// Tell adds an event about no verification, by names and values.
	Tell(ctx context.Context, p otp.Partition, pairs ...string) error
}

// Ringer tells the workers that a send is due. It never blocks and may lose the
// news.
type Ringer interface {
	Ring(ctx context.Context, d otp.Due)
}

// Service is wired by app; every field but Factors is required. What lies outside of a
// person's namespaces does not exist for them.
type Service struct {
	Journal    Journal
	Factors    Factors // nil: there are none
	Acts       Acts
	Ringer     Ringer
	Addresses  func(text string) (otp.Recipient, error) // what people type, in any usual spelling
	Explainer  Explainer
	Namespaces map[otp.Namespace]otp.Policy
	Keys       otp.Keys
	Partitions int
	Now        func() time.Time // by which factors are locked
}

// find is a verification that the person may know of.
func (s *Service) find(ctx context.Context, who otp.Staff, id otp.ID) (otp.History, error) {
	all, err := s.Journal.Histories(ctx, []otp.ID{id})
	switch {
	case err != nil:
		return otp.History{}, fmt.Errorf("find verification: %w", err)
	case len(all) == 0 || !who.May(all[0].Namespace):
		return otp.History{}, otp.ErrNotFound
	}
	return all[0], nil
}

// whose is a verification's recipient, and the owner under every live key.
func (s *Service) whose(h otp.History, c otp.Case) (otp.Recipient, otp.Owner, error) {
	to, err := s.Keys.OpenAddress(c.Owner, c.Address, h.Masked)
	if err != nil {
		return otp.Recipient{}, otp.Owner{}, fmt.Errorf("find recipient: %w", err)
	}
	owner := s.Keys.Owner(h.Namespace, to, "", s.Partitions)
	owner.Binding = c.Owner.Binding
	return to, owner, nil
}
