package webhook

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// message is what a provider posts. Each of its fields is described in
// docs/webhook.md.
type message struct {
	Type       string      `json:"type"`
	ID         string      `json:"id"`
	Channel    otp.Channel `json:"channel"`
	To         string      `json:"to"`
	From       string      `json:"from,omitempty"`
	Subject    string      `json:"subject,omitempty"`
	Text       string      `json:"text"`
	HTML       string      `json:"html,omitempty"`
	ExpiresIn  int         `json:"expires_in"` // seconds
	Attempt    int         `json:"attempt"`
	ReceiptURL string      `json:"receipt_url,omitempty"`
}

// body writes a message out.
func (p Provider) body(m otp.Message) ([]byte, error) {
	return json.Marshal(message{
		Type: "message.send", ID: messageID(m.Order, m.Attempt), Channel: m.To.Channel(), To: m.To.Reveal(), From: p.From,
		Subject: m.Subject, Text: m.Text, HTML: m.HTML,
		ExpiresIn: max(0, int(m.Left/time.Second)), Attempt: m.Attempt, ReceiptURL: p.ReceiptURL,
	})
}

var messageForm = regexp.MustCompile(`^(VE[0-9a-f]{32})-([1-9][0-9]{0,3})-([1-9][0-9]{0,3})$`)

// messageID names an attempt, and is the webhook-id of its message: whoever gets
// it twice has got a double. The standard wants no dots in it.
func messageID(o otp.Order, attempt int) string {
	return fmt.Sprintf("%s-%d-%d", o.ID, o.Send, attempt)
}

// parseMessageID is the reverse of messageID.
func parseMessageID(s string) (o otp.Order, attempt int, ok bool) {
	m := messageForm.FindStringSubmatch(s)
	if m == nil {
		return otp.Order{}, 0, false
	}
	o.ID = otp.ID(m[1])
	o.Send, _ = strconv.Atoi(m[2])
	attempt, _ = strconv.Atoi(m[3])
	return o, attempt, true
}
