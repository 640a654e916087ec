package deliver

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// spent is the end of a route: the code goes to another address if it may, else
// the send rests.
func (c *Courier) spent(ctx context.Context, claim otp.Claim, ch otp.Channel, pause time.Duration, reason string) error {
	if claim.Fallback == nil {
		return c.rest(ctx, claim, ch, pause, reason)
	}
	return c.turn(ctx, claim, ch, pause, reason)
}

// turn has the code go to the next address whose limits allow it. If none does,
// and a provider may still take it here, the send rests.
func (c *Courier) turn(ctx context.Context, claim otp.Claim, ch otp.Channel, rest time.Duration, reason string) error {
	for f := claim.Fallback; f != nil; {
		letter, err := c.Keys.OpenLetter(claim.Owner, f.Letter)
		if err != nil {
			return c.rest(ctx, claim, ch, pause(claim.Rounds), "sealed_with_unknown_key")
		}
		to := c.Keys.Owner(claim.Owner.Namespace, letter.To, "", c.Partitions)
		limit, err := c.Sends.Admit(ctx, claim.Order, to, f.Channel, c.Policies[claim.Owner.Namespace], c.charges(claim.Owner.Namespace, letter.To))
		if err != nil {
			return fmt.Errorf("admit another address of %s: %w", claim.Order, err)
		}
		next, more, state, err := c.Sends.Turn(ctx, claim, to, limit)
		if err != nil {
			return fmt.Errorf("turn %s: %w", claim.Order, err)
		}
		c.Log.InfoContext(ctx, "fallback", "order", claim.Order.String(), "channel", string(f.Channel), "to", f.Masked, "outcome", limit)
		if next != nil {
			c.Ringer.Ring(ctx, *next)
		}
		if state == otp.Queued {
			return c.rest(ctx, claim, ch, rest, reason)
		}
		if state != "" {
			c.Ended(ch, state)
		}
		f = more
	}
	return nil
}

// charges are what a message to another address is counted in beside its recipient's
// own limits: the budget of the day, and what counts by country or range.
func (c *Courier) charges(ns otp.Namespace, to otp.Recipient) (all []otp.Bucket) {
	s := otp.Subject{Namespace: ns, Channel: to.Channel(), Country: c.Country(to)}
	if to.Channel() == otp.SMS {
		s.Number = to.Reveal()
	}
	for _, r := range c.Rates {
		if b, ok := c.Keys.Bucket(r, s); ok && r.OfNumbers() {
			all = append(all, b)
		}
	}
	if b, ok := c.Keys.Spend(c.Policies[ns], c.Prices, s); ok {
		all = append(all, b)
	}
	return all
}

// unknown tells whether an answer of one of the attempts never came.
func unknown(attempts []otp.Attempt) bool {
	return slices.ContainsFunc(attempts, func(a otp.Attempt) bool { return a.State == otp.Unknown })
}
