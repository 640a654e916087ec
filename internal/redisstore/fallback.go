package redisstore

import (
	"context"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	admit   = load("admit")
	turn    = load("turn")
	silence = load("silence")
)

// Admit charges the limits of a recipient to whom the code of o shall go too.
// limit says which of them is used up, the name of one of the buckets that are also
// charged, "suppressed" if the channel is shut, or "". To ask again for the same send is harmless. Its error is
// otp.ErrStoreUnavailable.
//
// The recipient's state lies in another slot than the verification's, so this is
// a transition of its own: between both a crash costs the recipient a cooldown.
func (s *Store) Admit(ctx context.Context, o otp.Order, to otp.Owner, ch otp.Channel, p otp.Policy, also []otp.Bucket) (limit string, err error) {
	by := "for:" + o.String() // the send's own recipient may have the same limits
	args := []any{
		to.Partition.String(), string(to.Namespace), joined(to.Identity), joined(to.Limit), string(ch), by,
		ms(p.Cooldown), ms(p.AllCooldown), p.Daily, p.AllDaily,
	}
	r, err := s.run(ctx, admit, stateKey(to.Namespace, "cooldown", to.Partition, string(to.Limit[0])), append(args, bucketArgs(also)...)...)
	if r.text(0) == "ok" {
		return "", err
	}
	return r.text(0), err
}

// Turn has the code of a claimed send go to the first of the other addresses,
// whose owner is to, or strikes that out for a limit. next is the send that was
// staged, if one was; more is the next address, if another is to be tried. state
// is how the send ended if there is none, or otp.Queued if it has not.
func (s *Store) Turn(ctx context.Context, c otp.Claim, to otp.Owner, limit string) (next *otp.Due, more *otp.Fallback, state otp.State, err error) {
	id := c.Order.ID
	r, err := s.run(ctx, turn, verificationKey(id), id.Partition().String(), string(id), c.Order.Send, c.Holder, limit,
		to.Partition.String(), string(to.Identity[0]), ms(patience))
	switch r.text(0) {
	case "next":
		next = &otp.Due{Order: otp.Order{ID: id, Send: int(r.number(1))}, Channel: otp.Channel(r.text(2))}
	case "more":
		more = fallback(r.text(1))
	case "closed":
		state = otp.State(r.text(1))
	}
	return next, more, state, err
}

// fallback reads "channel mask letter".
func fallback(line string) *otp.Fallback {
	w := strings.Fields(line)
	if len(w) != 3 {
		return nil
	}
	return &otp.Fallback{Channel: otp.Channel(w[0]), Masked: w[1], Letter: otp.Sealed(w[2])}
}

// silence shuts a channel of another address' recipient, if a script says whose.
func (s *Store) silence(ctx context.Context, partition, fp string, ch otp.Channel, c otp.Class, permanent bool) error {
	if fp == "" {
		return nil
	}
	_, err := s.run(ctx, silence, suppressKey(partition, fp, ch), shut(c, permanent))
	return err
}
