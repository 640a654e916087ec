package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/otpipe/otpipe/internal/otp"
)

// StartRequest asks for a code.
type StartRequest struct {
	Namespace otp.Namespace
	To        string
	Channel   otp.Channel // "" for the one that To is written for
	Locale    string      // BCP 47; "" for the default
	Params    map[string]string
	Binding   string
	Fallbacks []Fallback // other addresses, in order
	Limits    Limits
	Decoy     bool      // nothing is sent, and nobody but the support staff can tell
	Nonce     otp.Nonce // of a request that its caller may repeat; "" of any other
}

// Fallback is another address that the code may go to.
type Fallback struct {
	Channel otp.Channel // "" for the one that To is written for
	To      string
}

// MaxFallbacks is how many other addresses a request may name.
const MaxFallbacks = 2

// Started is the answer to an admitted request.
type Started struct {
	otp.Opened
	Namespace otp.Namespace
	Masked    string
	Policy    otp.Policy
	Replayed  bool // this answer was given before
}

// Start has a code sent. When it returns without error the send is staged in
// the store and will be delivered, or its journal says why not; ringing the
// workers only makes it quick.
func (s *Service) Start(ctx context.Context, who otp.Caller, r StartRequest) (Started, error) {
	policy, err := s.policy(who, r.Namespace)
	if err != nil {
		return Started{}, err
	}
	if r.Channel == "" {
		r.Channel = channelOf(r.To)
	}
	if !policy.Allows(r.Channel) {
		return Started{}, &otp.InputError{Field: "channel", Detail: fmt.Sprintf("%s sends by %v only", r.Namespace, policy.Channels), Err: otp.ErrChannelNotAllowed}
	}
	if err := s.checkInput(r); err != nil {
		return Started{}, err
	}
	to, err := s.Addresses(r.Channel, r.To)
	if err != nil {
		return Started{}, err
	}
	at := s.Place(to)
	if err := destination(r.Namespace, policy, to, at, "to"); err != nil {
		return Started{}, err
	}
	of, err := subject(who, r, to, at)
	if err != nil {
		return Started{}, err
	}
	elsewhere, err := s.elsewhere(r, policy, to)
	if err != nil {
		return Started{}, err
	}
	o, replayed, err := once(ctx, s, r.Nonce, r.said(), func(n otp.Nonce) (otp.Opened, error) {
		r.Nonce = n
		return s.open(ctx, r, policy, to, elsewhere, of)
	})
	if err != nil {
		return Started{}, err
	}
	return Started{Opened: o, Namespace: r.Namespace, Masked: to.Masked(), Policy: policy, Replayed: replayed}, nil
}

// said is everything in which two requests may differ.
func (r StartRequest) said() []string {
	all := []string{"start", string(r.Namespace), r.To, string(r.Channel), r.Locale, r.Binding}
	for _, name := range slices.Sorted(maps.Keys(r.Params)) {
		all = append(all, name, r.Params[name])
	}
	for _, f := range r.Fallbacks {
		all = append(all, "fallback", string(f.Channel), f.To)
	}
	if r.Limits != (Limits{}) {
		all = append(all, "limits", r.Limits.IP, r.Limits.Device, r.Limits.Account)
	}
	if r.Decoy {
		all = append(all, "decoy")
	}
	return all
}

// open asks the store to admit a request, and rings for its send.
func (s *Service) open(ctx context.Context, r StartRequest, p otp.Policy, to otp.Recipient, elsewhere []otp.Recipient, of otp.Subject) (otp.Opened, error) {
	opening, err := s.opening(r, p, to, elsewhere)
	if err != nil {
		return otp.Opened{}, err
	}
	opening.Buckets, opening.Guard = s.buckets(p, of), s.Toll.guard(of, r.Decoy)
	o, err := s.Verifications.Start(ctx, opening)
	if le, limited := errors.AsType[*otp.LimitError](err); limited {
		le.Policy = p
	}
	if err != nil {
		return otp.Opened{}, fmt.Errorf("start verification: %w", err)
	}
	if o.State == otp.Queued {
		s.Ringer.Ring(ctx, otp.Due{Order: o.Order, Channel: o.Channel})
	}
	return o, nil
}

// opening draws the code and seals it. None of it depends on whether the store
// will open a verification or reuse one.
func (s *Service) opening(r StartRequest, p otp.Policy, to otp.Recipient, elsewhere []otp.Recipient) (otp.Opening, error) {
	owner := s.Keys.Owner(r.Namespace, to, r.Binding, s.Partitions)
	code := otp.NewCode(p.Digits)
	letter, err := s.Keys.SealLetter(owner, otp.Letter{To: to, Locale: r.Locale, Params: r.Params, Decoy: r.Decoy})
	if err != nil {
		return otp.Opening{}, err
	}
	fallbacks, err := s.sealFallbacks(r, owner, elsewhere)
	if err != nil {
		return otp.Opening{}, err
	}
	return otp.Opening{
		Fallbacks: fallbacks, Owner: owner, ID: otp.NewID(owner.Partition), Policy: p, Channel: r.Channel, Masked: to.Masked(), Nonce: r.Nonce,
		Digest: s.Keys.DigestOf(owner, code), Code: s.Keys.SealCode(owner, code), Letter: letter, Address: s.Keys.SealAddress(owner, to),
	}, nil
}
