package ctl

import (
	"context"

	"github.com/otpipe/otpipe/client"
)

// unlock lets a recipient try again who guessed wrong too often.
type unlock struct {
	api
	Recipient string `arg:"" help:"A phone number or mail address."`
	Namespace string `required:"" placeholder:"NAME" help:"Where it is locked."`
	Binding   string `placeholder:"TEXT" help:"If the product gives one: what it gave."`
	Reason    string `required:"" placeholder:"TEXT" help:"Why; it is kept for the audit."`
}

// Help says what is cleared.
func (unlock) Help() string {
	return `It clears the lock, the wrong guesses and the strikes. Cooldown and quotas stay. The key
needs the scope operate.

	otpctl unlock +4915123456789 --namespace phone-auth --reason "ticket 4711"`
}

// Run asks the api.
func (u unlock) Run(ctx context.Context, s *screen) error {
	done, err := ask(s, u.api, func(c *client.Client) (client.Unlocked, error) {
		return c.Unlock(ctx, client.UnlockRequest{Namespace: u.Namespace, To: u.Recipient, Binding: client.Hide(u.Binding), Reason: u.Reason})
	})
	if err != nil {
		return err
	}
	return s.show(unlocked{done})
}

type unlocked struct{ client.Unlocked }

func (u unlocked) text(p *paper) {
	if u.Cleared {
		p.line("unlocked: the recipient may ask for a code again, and try it; cooldown and quotas stay")
		return
	}
	p.line("there was nothing to clear: the recipient is not locked in this namespace, and has no wrong guesses")
}
