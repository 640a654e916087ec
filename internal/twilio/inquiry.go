package twilio

import (
	"context"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	_ otp.Inquirer  = Provider{}
	_ otp.Confirmer = Provider{}
)

// Inquire fetches a Message. Status callbacks get lost: Twilio repeats one once,
// and only if it finds no connection.
func (p Provider) Inquire(ctx context.Context, ref string) (otp.Receipt, error) {
	c := &call{ctx: ctx, provider: p}
	got, err := openapi.NewApiServiceWithClient(c).FetchMessage(ref, nil)
	if err != nil {
		return otp.Receipt{}, p.fault(c, err)
	}
	return report(deref(got.Status), deref(got.ErrorCode)), nil
}

// Confirm tells Twilio that a message was of use, so that it chooses its
// carriers by what arrives (Message Feedback).
func (p Provider) Confirm(ctx context.Context, ref string) error {
	if !p.Terms.ProvideFeedback {
		return nil // it has not announced any, and Twilio takes none
	}
	c := &call{ctx: ctx, provider: p}
	params := (&openapi.CreateMessageFeedbackParams{}).SetOutcome("confirmed")
	if _, err := openapi.NewApiServiceWithClient(c).CreateMessageFeedback(ref, params); err != nil {
		return p.fault(c, err)
	}
	return nil
}

// report is what a status means in a receipt.
func report(status string, code int) otp.Receipt {
	r := otp.Receipt{State: states[status]}
	if r.State == otp.Undelivered || r.State == otp.Failed {
		v := judgeLater(code)
		r.Class, r.Permanent, r.Reason = v.class, v.permanent, reason(status, code)
	}
	return r
}
