package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// maxReceipt is how many bytes of a receipt are read.
const maxReceipt = 16 << 10

var (
	errReceipt = errors.New("not a receipt")

	// A reason is kept in the journal. Four digits in a row may be a code, so
	// they are no part of one.
	reasonForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	digits     = regexp.MustCompile(`[0-9]{4}`)
)

// receiptStates says what the status of a receipt means.
var receiptStates = map[string]otp.State{
	"sent":        otp.Sent,
	"delivered":   otp.Delivered,
	"undelivered": otp.Undelivered,
	"failed":      otp.Failed,
}

// Receipts reads what one account reports. It may be used by many goroutines at
// once. It prints its name only.
type Receipts struct {
	AccountName string           // as the Provider's
	Secrets     Secrets          // sign the receipts
	Now         func() time.Time // time.Now
}

// receipt is the body of one. It names its message itself, and not in the URL,
// which nobody signs.
type receipt struct {
	Message   string `json:"message"`
	Status    string `json:"status"`
	Fault     string `json:"fault"`
	Permanent bool   `json:"permanent"`
	Reason    string `json:"reason"`
}

// Parse reads a receipt once its signature has been found good. Its errors are
// otp.ErrForged, otp.ErrForeign, or what is wrong with the body, such as
// *http.MaxBytesError.
func (rc Receipts) Parse(r *http.Request) (otp.Receipt, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxReceipt))
	if err != nil {
		return otp.Receipt{}, fmt.Errorf("read receipt: %w", err)
	}
	if r.Method != http.MethodPost || !rc.Secrets.signed(r.Header, rc.Now(), body) {
		return otp.Receipt{}, otp.ErrForged
	}
	var said receipt
	if err := json.Unmarshal(body, &said); err != nil || receiptStates[said.Status] == "" {
		return otp.Receipt{}, errReceipt // the decoder's words would quote it
	}
	order, attempt, ok := parseMessageID(said.Message)
	if !ok {
		return otp.Receipt{}, otp.ErrForeign
	}
	return said.about(otp.Receipt{Order: order, Attempt: attempt, Provider: rc.AccountName}), nil
}

// about says what became of the message. What was given up without a word about
// who is to blame is bad luck on the way: another provider may do better.
func (said receipt) about(out otp.Receipt) otp.Receipt {
	out.State = receiptStates[said.Status]
	if out.State != otp.Undelivered && out.State != otp.Failed {
		return out
	}
	out.Class = otp.FaultProvider
	if class, ok := blames[said.Fault]; ok {
		out.Class = class
	}
	out.Permanent = said.Permanent && out.Class == otp.FaultRecipient
	out.Reason = "webhook_" + said.Status
	if reasonForm.MatchString(said.Reason) && !digits.MatchString(said.Reason) {
		out.Reason = said.Reason
	}
	return out
}

// Format prints the name whatever the verb, so that %+v cannot tell the secrets.
func (rc Receipts) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "webhook receipts "+rc.AccountName)
}

// LogValue logs the name.
func (rc Receipts) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(rc)) }

// MarshalJSON refuses.
func (rc Receipts) MarshalJSON() ([]byte, error) {
	return nil, errors.New("webhook: receipts are never marshalled")
}
