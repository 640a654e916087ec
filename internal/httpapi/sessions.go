package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/otpipe/otpipe/internal/otp"
)

// SessionBody asks whether a token proves something.
type SessionBody struct {
	Token     string `json:"token" maxLength:"1024" doc:"From the right check."`
	Namespace string `json:"namespace" maxLength:"32" doc:"What you need proved; not what the browser says."`
	To        string `json:"to,omitempty" maxLength:"320" doc:"Whose control of it you need proved. Either this or subject."`
	Subject   string `json:"subject,omitempty" maxLength:"128" doc:"Of whom you need a factor proved, as at its enrolment."`
}

type sessionInput struct {
	Body SessionBody
}

// SessionState is active only if token, namespace and recipient all match.
type SessionState struct {
	Active         bool     `json:"active" doc:"The token proves just this, now."`
	VerificationID string   `json:"verification_id,omitempty" doc:"Whose right check opened it, if to was asked for."`
	FactorID       string   `json:"factor_id,omitempty" doc:"Whose right check opened it, if subject was asked for."`
	Channel        string   `json:"channel,omitempty" enum:"sms,email" doc:"By which the code went last."`
	ToMasked       string   `json:"to_masked,omitempty" doc:"Where the code went last: the recipient, or the fallback address that was used."`
	ExpiresAt      *Instant `json:"expires_at,omitempty" doc:"It is active until then, unless it is used up before."`
}

type sessionOutput struct {
	Body SessionState
}

func (a *API) sessions(api huma.API) {
	codes := []string{"invalid_recipient", "namespace_not_allowed", "namespace_not_found"}
	add(a, api, described(huma.Operation{
		OperationID: "introspect", Method: http.MethodPost, Path: "/v1/sessions/introspect",
		Summary: "Ask whether a session is good", Security: needs(otp.ScopeCheck), Tags: []string{"sessions"},
		Description: "Changes nothing. Say the namespace and the recipient that you need proved: what comes from the browser together with the token proves nothing.",
	}, sessionExamples, codes...), a.session(false))
	add(a, api, described(huma.Operation{
		OperationID: "consume", Method: http.MethodPost, Path: "/v1/sessions/consume",
		Summary: "Use a session up", Security: needs(otp.ScopeCheck), Tags: []string{"sessions"},
		Description: "The same answer, and the session is gone: of two such requests one gets active.",
	}, sessionExamples, codes...), a.session(true))
}

func (a *API) session(consume bool) func(context.Context, otp.Caller, *sessionInput) (*sessionOutput, error) {
	return func(ctx context.Context, who otp.Caller, in *sessionInput) (*sessionOutput, error) {
		b := in.Body
		prove, whose := a.Verifier.Session, b.To
		if b.Subject != "" {
			prove, whose = a.Verifier.SubjectSession, b.Subject
		}
		if (b.To == "") == (b.Subject == "") {
			p := newProblem("invalid_request", "a session is of one of two kinds")
			p.Errors = []FieldError{{Pointer: "#", Detail: "want either to or subject"}}
			return nil, p
		}
		s, err := prove(ctx, who, b.Token, otp.Namespace(b.Namespace), whose, consume)
		if isNotFound(err) {
			return &sessionOutput{SessionState{Active: false}}, nil
		}
		if err != nil {
			return nil, err
		}
		if s.Channel == otp.TOTP {
			return &sessionOutput{SessionState{Active: true, FactorID: string(s.ID), ExpiresAt: instant(s.ExpiresAt)}}, nil
		}
		return &sessionOutput{SessionState{Active: true, VerificationID: string(s.ID), Channel: string(s.Channel), ToMasked: s.Masked, ExpiresAt: instant(s.ExpiresAt)}}, nil
	}
}

func isNotFound(err error) bool { return errors.Is(err, otp.ErrNotFound) }
