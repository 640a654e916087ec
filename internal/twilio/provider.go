package twilio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/otpipe/otpipe/internal/otp"
)

// maxValidity is the longest ValidityPeriod that Twilio takes, in seconds.
const maxValidity = 36000

// Provider is one account with Twilio. Its Send may be called by many
// goroutines at once. It prints its name only.
type Provider struct {
	AccountName         string       // in the configuration, journals and metrics
	AccountSID          string       // AC…
	Username            string       // the account SID, or the SID of an API key
	Password            string       // the auth token, or the secret of that key
	From                string       // sender: a number in E.164, a short code or a name; or
	MessagingServiceSID string       // MG…: Twilio picks the sender
	Edge, Region        string       // where requests enter Twilio and are handled: "dublin" and "ie1"; none: the US
	BaseURL             string       // scheme and host of the API instead, for tests; "": by Edge and Region
	CallbackURL         string       // public address for receipts, without a query; "" for no receipts
	Terms               Terms        // of every message
	HTTP                *http.Client // see vendorhttp.NewClient; nil: http.DefaultClient
}

// Terms are what an account asks of Twilio for every message. The zero value
// leaves all to the settings of the account.
type Terms struct {
	RiskCheck        string // "enable" or "disable" the protection against text pumping
	ContentRetention string // "discard" the text once it is sent, or "retain" it
	AddressRetention string // "obfuscate" the number once it is sent to, or "retain" it
	// ProvideFeedback announces that Twilio will hear which messages were used,
	// by Confirm. Those that it does not hear of count as unused.
	ProvideFeedback bool
}

// Name is the account's name in the configuration.
func (p Provider) Name() string { return p.AccountName }

// Send creates a Message (Twilio's word for the order to deliver one). Its
// errors are *otp.Fault.
func (p Provider) Send(ctx context.Context, m otp.Message) (otp.Acceptance, error) {
	c := &call{ctx: ctx, provider: p}
	made, err := openapi.NewApiServiceWithClient(c).CreateMessage(p.params(m))
	if err == nil && deref(made.Sid) == "" {
		err = errors.New("no sid")
	}
	switch {
	case err != nil && c.created: // without its name, which the receipts have
		return otp.Acceptance{State: otp.Accepted}, nil
	case err != nil:
		return otp.Acceptance{}, p.fault(c, err)
	}
	return p.accepted(made)
}

// params writes the message in Twilio's words. What has not left Twilio when
// the code dies is not sent at all: left alone, it might arrive ten hours late.
func (p Provider) params(m otp.Message) *openapi.CreateMessageParams {
	out := &openapi.CreateMessageParams{}
	out.SetTo(m.To.Reveal()).SetBody(m.Text).SetAttempt(m.Attempt)
	out.SetValidityPeriod(min(maxValidity, max(1, int(m.Left/time.Second))))
	if p.From != "" {
		out.SetFrom(p.From)
	}
	if p.MessagingServiceSID != "" {
		out.SetMessagingServiceSid(p.MessagingServiceSID)
	}
	if p.CallbackURL != "" {
		out.SetStatusCallback(p.callback(m))
	}
	p.Terms.add(out)
	return out
}

// add writes down what is asked for, and nothing else.
func (t Terms) add(out *openapi.CreateMessageParams) {
	if t.RiskCheck != "" {
		out.SetRiskCheck(t.RiskCheck)
	}
	if t.ContentRetention != "" {
		out.SetContentRetention(t.ContentRetention)
	}
	if t.AddressRetention != "" {
		out.SetAddressRetention(t.AddressRetention)
	}
	if t.ProvideFeedback {
		out.SetProvideFeedback(true)
	}
}

// callback names the attempt inside the URL that Twilio signs, so that a
// receipt finds it even if the answer to the request was lost.
func (p Provider) callback(m otp.Message) string {
	return fmt.Sprintf("%s?id=%s&send=%d&attempt=%d", p.CallbackURL, m.Order.ID, m.Order.Send, m.Attempt)
}

// accepted reads the Message that Twilio made. One that is born dead is a
// fault: no receipt will say so, as Twilio never reports the first status.
func (p Provider) accepted(made *openapi.ApiV2010Message) (otp.Acceptance, error) {
	status, code := deref(made.Status), deref(made.ErrorCode)
	switch states[status] {
	case otp.Failed, otp.Undelivered:
		v := judgeLater(code)
		return otp.Acceptance{}, &otp.Fault{
			Class: v.class, Permanent: v.permanent, Provider: p.AccountName, Code: reason(status, code),
		}
	case otp.Sent, otp.Delivered:
		return otp.Acceptance{Ref: ref(made), State: otp.Sent}, nil
	default:
		return otp.Acceptance{Ref: ref(made), State: otp.Accepted}, nil
	}
}

// ref is the Message's sid. It goes to the journal, and into the path of an
// inquiry, so one of another form is none.
func ref(made *openapi.ApiV2010Message) string {
	if !messageSID.MatchString(*made.Sid) {
		return ""
	}
	return *made.Sid
}

func deref[T any](v *T) (out T) {
	if v != nil {
		out = *v
	}
	return out
}

// Format prints the name whatever the verb, so that %+v cannot tell the password.
func (p Provider) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "twilio "+p.AccountName) }

// LogValue logs the name.
func (p Provider) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(p)) }

// MarshalJSON refuses.
func (p Provider) MarshalJSON() ([]byte, error) {
	return nil, errors.New("twilio: a provider is never marshalled")
}
