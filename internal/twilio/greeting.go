package twilio

import (
	"context"
	"errors"
	"net/http"
	"strings"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/otpipe/otpipe/internal/otp"
)

var _ otp.Greeter = Provider{}

// noMessage has the form of a message's sid, and is none's.
var noMessage = "SM" + strings.Repeat("0", 32)

// Greet fetches the account. A standard API key may not do that, whatever else it
// may: it is tried on a message that is not there, where whoever is let in is told
// 404 (https://www.twilio.com/docs/iam/api-keys).
func (p Provider) Greet(ctx context.Context) (note string, err error) {
	c := &call{ctx: ctx, provider: p}
	account, err := openapi.NewApiServiceWithClient(c).FetchAccount(p.AccountSID)
	switch {
	case err == nil:
		return p.standing(deref(account.Status), deref(account.Type))
	case p.Username != p.AccountSID && shutOut(err):
		return p.knock(ctx)
	default:
		return "", p.fault(c, err)
	}
}

// standing is what an account's status and type mean.
func (p Provider) standing(status, kind string) (note string, err error) {
	switch {
	case status == "suspended" || status == "closed":
		return "", &otp.Fault{Class: otp.FaultUs, Provider: p.AccountName, Code: "twilio_" + status, RetryAfter: shut}
	case kind == "Trial":
		return "a trial account: it texts only to numbers that were verified with Twilio", nil
	}
	return "", nil
}

// knock tells whether an API key is let in.
func (p Provider) knock(ctx context.Context) (note string, err error) {
	c := &call{ctx: ctx, provider: p}
	_, err = openapi.NewApiServiceWithClient(c).FetchMessage(noMessage, nil)
	if r, refused := errors.AsType[*refusal](err); err == nil || refused && r.status == http.StatusNotFound && r.code == 20404 {
		return "the API key is let in; it may not read the account, so whether that is suspended is not known", nil
	}
	return "", p.fault(c, err)
}

func shutOut(err error) bool {
	r, refused := errors.AsType[*refusal](err)
	return refused && (r.status == http.StatusUnauthorized || r.status == http.StatusForbidden)
}
