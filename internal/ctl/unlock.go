package ctl

import (
	"context"
	"net/http"
)

// unlock lets a recipient try again who guessed wrong too often.
type unlock struct {
	api
	Recipient string `arg:"" help:"A phone number or mail address."`
	Namespace string `required:"" help:"Where it is locked."`
	Binding   string `help:"If the product gives one: what it gave."`
	Reason    string `required:"" help:"Why; it is kept for the audit."`
}

// Run asks the api.
func (u unlock) Run(ctx context.Context, s *screen) error {
	body := map[string]string{"namespace": u.Namespace, "to": u.Recipient, "reason": u.Reason}
	if u.Binding != "" {
		body["binding"] = u.Binding
	}
	var out unlocked
	done := s.waiting("asking the api")
	err := u.ask(ctx, http.MethodPost, "/v1/recipients/unlock", body, &out)
	done()
	if err != nil {
		return err
	}
	return s.show(out)
}

type unlocked struct {
	Cleared bool `json:"cleared"`
}

func (u unlocked) text(p *paper) {
	if u.Cleared {
		p.line("unlocked: the recipient may ask for a code again, and try it; cooldown and quotas stay")
		return
	}
	p.line("there was nothing to clear: the recipient is not locked in this namespace, and has no wrong guesses")
}
