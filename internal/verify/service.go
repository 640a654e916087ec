// Package verify issues codes and checks them: it turns a request into what the
// store decides about, and the store's decision into an answer. It runs in the api.
package verify

import (
	"context"
	"fmt"

	"github.com/otpipe/otpipe/internal/otp"
)

// Verifications decides about codes; see otp.Opening and otp.Guess. It is used
// by many goroutines at once.
type Verifications interface {
	// Start fails with *otp.LimitError.
	Start(ctx context.Context, o otp.Opening) (otp.Opened, error)
	// Locate fails with otp.ErrNotFound.
	Locate(ctx context.Context, id otp.ID) (otp.Owner, error)
	// Check fails with *otp.LimitError while the recipient is locked.
	Check(ctx context.Context, g otp.Guess) (otp.Verdict, error)
	// Cancel fails with otp.ErrFinished if the verification ended otherwise.
	Cancel(ctx context.Context, id otp.ID) error
}

// Sessions keeps the proofs of right checks.
type Sessions interface {
	// Session fails with otp.ErrNotFound unless token and owner match.
	Session(ctx context.Context, t otp.Token, o otp.Owner, consume bool) (otp.Session, error)
}

// Signer makes and reads sessions that need no look-up.
type Signer interface {
	Sign(c otp.Claims) (token string, err error)
	// Read fails with otp.ErrNotFound unless the token is ours, for the namespace and
	// good now.
	Read(token string, ns otp.Namespace) (otp.Claims, error)
}

// Journal tells what happened.
type Journal interface {
	// Find fails with otp.ErrNotFound.
	Find(ctx context.Context, id otp.ID) (otp.History, error)
	// Recent names the owner's recipient's newest verifications in all
	// namespaces, the newest first.
	Recent(ctx context.Context, o otp.Owner) ([]otp.Mention, error)
	// Histories tells of those that are still kept, in the order of ids.
	Histories(ctx context.Context, ids []otp.ID) ([]otp.History, error)
}

// Locks lets a recipient try again.
type Locks interface {
	Unlock(ctx context.Context, o otp.Owner, actor, reason string) (cleared bool, err error)
}

// Repeats remembers requests that their callers may send again, and what was
// answered.
type Repeats interface {
	// Recall takes a request on. kept is the answer that it got before, if any.
	// It fails with otp.ErrInFlight while another run of it is under way, and
	// with otp.ErrKeyReused if its name was given to another request.
	Recall(ctx context.Context, r otp.Repeatable) (kept []byte, err error)
	// Remember keeps what was answered, for a day.
	Remember(ctx context.Context, r otp.Repeatable, answer []byte) error
	// Forget lets the request be made anew.
	Forget(ctx context.Context, r otp.Repeatable) error
}

// Ringer tells the workers that a send is due. It never blocks and may lose the
// news: the watch finds the send.
type Ringer interface {
	Ring(ctx context.Context, d otp.Due)
}

// Templates knows what may be written into a message.
type Templates interface {
	// Declares lists the params of a namespace's messages on a channel.
	Declares(ns otp.Namespace, c otp.Channel) []string
}

// Service is wired by app; every field is required. Its errors are those that
// package otp lists.
type Service struct {
	Verifications Verifications
	Sessions      Sessions
	Signer        Signer
	Journal       Journal
	Locks         Locks
	Repeats       Repeats
	Ringer        Ringer
	Templates     Templates
	Addresses     func(c otp.Channel, s string) (otp.Recipient, error) // canonical forms
	Place         func(to otp.Recipient) otp.Place                     // what it tells of itself
	Namespaces    map[otp.Namespace]otp.Policy
	Rates         []otp.Rate // may be none
	Prices        otp.Prices // likewise
	Toll          Toll       // likewise
	Keys          otp.Keys
	Partitions    int
}

// policy is the policy of a namespace that the caller may work in.
func (s *Service) policy(who otp.Caller, ns otp.Namespace) (otp.Policy, error) {
	p, ok := s.Namespaces[ns]
	switch {
	case !who.May(ns):
		return otp.Policy{}, fmt.Errorf("namespace: %w", otp.ErrNamespaceForbidden)
	case !ok:
		return otp.Policy{}, otp.ErrNamespaceNotFound
	}
	return p, nil
}

// owner names whose state is meant, from what the caller wrote.
func (s *Service) owner(ns otp.Namespace, to, binding string) (otp.Owner, error) {
	r, err := s.Addresses(channelOf(to), to)
	if err != nil {
		return otp.Owner{}, err
	}
	return s.Keys.Owner(ns, r, binding, s.Partitions), nil
}

// find is the history of a verification that the caller may know of.
func (s *Service) find(ctx context.Context, who otp.Caller, id otp.ID) (otp.History, error) {
	h, err := s.Journal.Find(ctx, id)
	if err != nil {
		return otp.History{}, fmt.Errorf("find verification: %w", err)
	}
	if !who.May(h.Namespace) {
		return otp.History{}, otp.ErrNotFound
	}
	return h, nil
}
