package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Provider hands messages to a URL. Its Send may be called by many goroutines
// at once. It prints its name only.
type Provider struct {
	AccountName string           // in the configuration, journals and metrics
	URL         string           // where messages are posted; it may hold a password or a token
	Secrets     Secrets          // sign the messages
	From        string           // handed on; "" if the other side knows its senders
	ReceiptURL  string           // public address for receipts; "" for no receipts
	HTTP        *http.Client     // see vendorhttp.NewClient; nil: http.DefaultClient
	Now         func() time.Time // time.Now
}

// Name is the account's name in the configuration.
func (p Provider) Name() string { return p.AccountName }

// Send posts the message. Any answer in the 200s says that it was taken. Its
// errors are *otp.Fault.
func (p Provider) Send(ctx context.Context, m otp.Message) (otp.Acceptance, error) {
	body, err := p.body(m)
	if err != nil {
		return otp.Acceptance{}, p.unanswered(err)
	}
	c := call{url: p.URL, secrets: p.Secrets, http: p.HTTP, id: messageID(m.Order, m.Attempt), at: p.Now(), body: body}
	a, err := c.post(ctx)
	switch {
	case err != nil:
		return otp.Acceptance{}, p.unanswered(err)
	case !a.taken():
		return otp.Acceptance{}, p.refused(a)
	default:
		return otp.Acceptance{Ref: ref(a.body, m.To), State: otp.Accepted}, nil
	}
}

var refForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// ref reads the other side's own name for the message, if the answer has one.
// It is kept in the journal, so one that quotes the address is none.
func ref(body []byte, to otp.Recipient) string {
	var said struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(body, &said)
	if !refForm.MatchString(said.ID) || strings.Contains(said.ID, strings.TrimPrefix(to.Reveal(), "+")) {
		return ""
	}
	return said.ID
}

// Format prints the name whatever the verb, so that %+v cannot tell the URL.
func (p Provider) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "webhook "+p.AccountName) }

// LogValue logs the name.
func (p Provider) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(p)) }

// MarshalJSON refuses.
func (p Provider) MarshalJSON() ([]byte, error) {
	return nil, errors.New("webhook: a provider is never marshalled")
}
