// Package notify tells others what happened: it makes notices of the store's
// events and sees that each endpoint gets its own. It runs in the worker.
package notify

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Notice is what one endpoint is told of one event. It holds no code and no
// address.
type Notice struct {
	ID       string          `json:"id"` // the same however often it is posted
	Endpoint string          `json:"endpoint"`
	At       time.Time       `json:"at"` // of the event
	Body     json.RawMessage `json:"body"`
}

// types says which of the store's events become notices, and of what type. An
// attempt's state has the same word everywhere; what becomes of a send without
// one is told as failed or unknown. The others are steps on the way (a claim, a
// hand-over that begins), or follow from what is told (a send that a later one
// supersedes).
var types = map[string]string{
	"verification.created":  "verification.created",
	"verification.approved": "verification.approved",
	"verification.expired":  "verification.expired",
	"verification.locked":   "verification.locked",
	"verification.canceled": "verification.canceled",

	"factor.enrolled":               "factor.enrolled",
	"factor.confirmed":              "factor.confirmed",
	"factor.approved":               "factor.approved",
	"factor.check_failed":           "factor.check_failed",
	"factor.locked":                 "factor.locked",
	"factor.deleted":                "factor.deleted",
	"factor.recovery_codes_renewed": "factor.recovery_codes_renewed",

	"attempt.accepted":    "delivery.accepted",
	"attempt.sent":        "delivery.sent",
	"attempt.delivered":   "delivery.delivered",
	"attempt.undelivered": "delivery.undelivered",
	"attempt.failed":      "delivery.failed",
	"attempt.unknown":     "delivery.unknown",

	"send.failed":     "delivery.failed",
	"send.expired":    "delivery.failed",
	"send.suppressed": "delivery.failed",
	"send.unknown":    "delivery.unknown",
}

// reasons are those of a send that nobody else is to blame for.
var reasons = map[string]string{"send.expired": string(otp.SendExpired), "send.suppressed": string(otp.SendSuppressed)}

// Types are the types of all notices.
func Types() []string { return slices.Compact(slices.Sorted(maps.Values(types))) }

// body is a notice as its endpoint reads it; see docs/events.md.
type body struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"` // RFC 3339 with ms
	Data      data   `json:"data"`
}

type data struct {
	VerificationID otp.ID        `json:"verification_id,omitempty"`
	FactorID       otp.FactorID  `json:"factor_id,omitempty"`
	Namespace      otp.Namespace `json:"namespace"`
	ToMasked       string        `json:"to_masked,omitempty"` // not of a factor
	Send           int           `json:"send,omitempty"`
	Attempt        int           `json:"attempt,omitempty"`
	Channel        string        `json:"channel,omitempty"`
	Provider       string        `json:"provider,omitempty"`
	Reason         string        `json:"reason,omitempty"`
}

// bodyOf writes an event down; "" is the type of one that nobody is told of.
func bodyOf(e otp.Event) (kind string, text []byte, err error) {
	kind = types[e.Kind]
	if kind == "" {
		return "", nil, nil
	}
	d := data{
		VerificationID: e.Verification, Namespace: e.Namespace, ToMasked: e.To,
		Send: e.Send, Attempt: e.Attempt, Provider: e.Provider, Reason: e.Reason,
	}
	if id, err := otp.ParseFactorID(string(e.Verification)); err == nil {
		d.VerificationID, d.FactorID = "", id
	}
	if e.Kind == "verification.created" {
		d.Channel, d.Reason = e.Reason, ""
	}
	if reason, ok := reasons[e.Kind]; ok && d.Reason == "" {
		d.Reason = reason
	}
	text, err = json.Marshal(body{kind, e.At.UTC().Format("2006-01-02T15:04:05.000Z07:00"), d})
	return kind, text, err
}

// idOf names a notice by its event and endpoint. It has no dots, as Standard
// Webhooks wants it.
func idOf(e otp.Event, endpoint string) string {
	return fmt.Sprintf("evt_%s-%s_%s", e.Partition, e.Entry, endpoint)
}
