package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/otpipe/otpipe/internal/otp"
)

// UnlockBody lets a recipient try again.
type UnlockBody struct {
	Namespace string `json:"namespace" maxLength:"32" doc:"Where the lock is."`
	To        string `json:"to" maxLength:"320" doc:"The recipient."`
	Binding   string `json:"binding,omitempty" maxLength:"256" doc:"Where the start had one: the same."`
	Reason    string `json:"reason" maxLength:"800" doc:"Why; kept for the audit. Up to 200 characters." example:"ticket 4711: caller proved who they are"`
}

type unlockInput struct {
	Body UnlockBody
}

// Unlocked tells whether there was anything to clear.
type Unlocked struct {
	Cleared bool `json:"cleared" doc:"There was a lock, or wrong codes were remembered."`
}

type unlockOutput struct {
	Body Unlocked
}

func (a *API) recipients(api huma.API) {
	add(a, api, described(huma.Operation{
		OperationID: "unlock", Method: http.MethodPost, Path: "/v1/recipients/unlock",
		Summary: "Clear a lock", Security: needs(otp.ScopeOperate), Tags: []string{"recipients"},
		Description: "Forgets the wrong codes and the lock of a recipient in one namespace. Cooldown and quotas stay.",
	}, unlockExamples, "invalid_recipient", "namespace_not_allowed", "namespace_not_found"), a.unlock)
}

func (a *API) unlock(ctx context.Context, who otp.Caller, in *unlockInput) (*unlockOutput, error) {
	b := in.Body
	cleared, err := a.Verifier.Unlock(ctx, who, otp.Namespace(b.Namespace), b.To, b.Binding, b.Reason)
	return &unlockOutput{Unlocked{cleared}}, err
}
