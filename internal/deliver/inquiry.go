package deliver

import (
	"context"

	"github.com/otpipe/otpipe/internal/otp"
)

// inquire asks the providers that took a send what became of it. What they
// cannot say is unknown from then on, and never delivered.
func (c *Courier) inquire(ctx context.Context, claim otp.Claim) error {
	for i, a := range claim.Attempts {
		if !openEnded(a) {
			continue
		}
		r := c.ask(ctx, a)
		r.Order, r.Attempt, r.Provider, r.Ref = claim.Order, i+1, a.Provider, a.Ref
		got, err := c.Receipts.Receive(ctx, r)
		if err != nil {
			return err
		}
		if got.Due != nil {
			c.Ringer.Ring(ctx, *got.Due)
		}
		c.Log.InfoContext(ctx, "inquiry", "order", claim.Order.String(), "attempt", i+1, "provider", a.Provider, "state", string(r.State), "moved", got.Moved)
	}
	return nil
}

// ask asks a provider about one attempt. A state that is not final is none.
func (c *Courier) ask(ctx context.Context, a otp.Attempt) otp.Receipt {
	unknown := otp.Receipt{State: otp.Unknown, Reason: "no_receipt"}
	p, asks := c.Inquirers[a.Provider]
	if !asks || a.Ref == "" {
		return unknown
	}
	ctx, cancel := context.WithTimeout(ctx, HandOver)
	defer cancel()
	r, err := p.Inquire(ctx, a.Ref)
	switch {
	case err != nil:
		return unknown
	case r.State == otp.Delivered, r.State == otp.Undelivered, r.State == otp.Failed:
		return r
	default:
		return unknown
	}
}

// openEnded tells whether a provider has an attempt's message and has not said
// what became of it. The answer may have come after it was given up as unknown.
func openEnded(a otp.Attempt) bool {
	return a.State == otp.Accepted || a.State == otp.Sent || a.State == otp.Unknown && a.Ref != ""
}
