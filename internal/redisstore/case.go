package redisstore

import (
	"context"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	caseOf     = load("case")
	allowance  = load("allowance")
	unsuppress = load("unsuppress")
	divert     = load("divert")
	witness    = load("witness")
)

// Case is what is kept of a verification for those who help its recipient. Its
// errors are otp.ErrNotFound and otp.ErrStoreUnavailable.
func (s *Store) Case(ctx context.Context, id otp.ID) (otp.Case, error) {
	p := id.Partition()
	r, err := s.run(ctx, caseOf, verificationKey(id), p.String(), string(id))
	if err != nil {
		return otp.Case{}, err
	}
	if len(r) == 0 {
		return otp.Case{}, otp.ErrNotFound
	}
	c := otp.Case{
		ID:      id,
		Owner:   otp.Owner{Namespace: otp.Namespace(r.text(0)), Partition: p, Anchor: otp.Anchor(r.text(1)), Binding: otp.Fingerprint(r.text(2))},
		Address: otp.Sealed(r.text(3)), Letter: otp.Sealed(r.text(4)),
	}
	for i := 5; i < len(r); i++ {
		w := strings.Fields(r.text(i)) // see lua/record.lua
		c.Elsewhere = append(c.Elsewhere, otp.Fallback{Channel: otp.Channel(w[0]), Masked: w[1], Letter: otp.Sealed(w[2])})
	}
	return c, nil
}

// Allowance is what an owner's recipient may do now. Its error is
// otp.ErrStoreUnavailable.
func (s *Store) Allowance(ctx context.Context, o otp.Owner) (otp.Allowance, error) {
	r, err := s.run(ctx, allowance, stateKey(o.Namespace, "lock", o.Partition, who(o)),
		o.Partition.String(), string(o.Namespace), joined(o.Identity), joined(o.Limit), string(o.Binding))
	if err != nil {
		return otp.Allowance{}, err
	}
	a := otp.Allowance{
		Now: r.at(0), LockedUntil: r.at(1), Silenced: map[otp.Channel]time.Time{}, WaitUntil: r.at(4),
		Daily: otp.Usage{Used: int(r.number(5)), ResetAt: r.at(6)}, AllDaily: otp.Usage{Used: int(r.number(7)), ResetAt: r.at(8)},
	}
	for i, ch := range []otp.Channel{otp.SMS, otp.Email} {
		if until := r.at(2 + i); !until.IsZero() {
			a.Silenced[ch] = until
		}
	}
	return a, nil
}

// Unsuppress lets messages go to a verification's recipient again, whose owner is
// o; cleared tells whether there was anything in their way. Its errors are
// otp.ErrNotFound and otp.ErrStoreUnavailable.
func (s *Store) Unsuppress(ctx context.Context, id otp.ID, o otp.Owner, ch otp.Channel, a otp.Act) (cleared bool, err error) {
	r, err := s.run(ctx, unsuppress, verificationKey(id), id.Partition().String(), string(id),
		joined(o.Identity), joined(o.Limit), string(ch), a.Actor, a.Reason)
	if err == nil && len(r) == 0 {
		err = otp.ErrNotFound
	}
	return r.number(0) == 1, err
}

// Divert has the code go to one of the other addresses of a verification, named
// by its channel and mask. The send that it returns is to be rung for. Its errors are otp.ErrNotFound, otp.ErrInFlight while the code is being handed over,
// otp.ErrFinished and otp.ErrStoreUnavailable.
func (s *Store) Divert(ctx context.Context, id otp.ID, ch otp.Channel, masked string, a otp.Act) (otp.Due, error) {
	r, err := s.run(ctx, divert, verificationKey(id), id.Partition().String(), string(id), string(ch), masked, a.Actor, a.Reason, ms(LeastLife))
	switch {
	case err != nil:
		return otp.Due{}, err
	case r.text(0) == "busy":
		return otp.Due{}, otp.ErrInFlight
	case r.text(0) == "finished":
		return otp.Due{}, otp.ErrFinished
	case r.text(0) == "none":
		return otp.Due{}, otp.ErrNotFound
	}
	return otp.Due{Order: otp.Order{ID: id, Send: int(r.number(1))}, Channel: otp.Channel(r.text(2)), Claims: int(r.number(3))}, nil
}

// Witness writes down that a member of the staff saw what few may see. Its errors
// are otp.ErrNotFound and otp.ErrStoreUnavailable.
func (s *Store) Witness(ctx context.Context, id otp.ID, what string, a otp.Act) error {
	r, err := s.run(ctx, witness, verificationKey(id), id.Partition().String(), string(id), what, a.Actor, a.Reason)
	if err == nil && len(r) == 0 {
		return otp.ErrNotFound
	}
	return err
}
