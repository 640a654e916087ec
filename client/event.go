package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrForgedEvent says that a notice is not signed with a secret of yours, or too
// long ago to be more than a copy. Answer 403.
var ErrForgedEvent = errors.New("the notice is not signed, or not by otpipe, or not now")

const (
	maxEvent = 64 << 10        // no notice is nearly as long
	skew     = 5 * time.Minute // how far the sender's clock may be off
	minKey   = 24              // bytes of a signing secret
)

// EventType is what happened.
type EventType string

// The types of notices. There may be new ones: answer them with 204 too.
const (
	EventVerificationCreated  EventType = "verification.created"
	EventVerificationApproved EventType = "verification.approved"
	EventVerificationExpired  EventType = "verification.expired"
	EventVerificationLocked   EventType = "verification.locked"
	EventVerificationCanceled EventType = "verification.canceled"
	EventDeliveryAccepted     EventType = "delivery.accepted"
	EventDeliverySent         EventType = "delivery.sent"
	EventDeliveryDelivered    EventType = "delivery.delivered"
	EventDeliveryUndelivered  EventType = "delivery.undelivered"
	EventDeliveryFailed       EventType = "delivery.failed"
	EventDeliveryUnknown      EventType = "delivery.unknown"

	EventFactorEnrolled             EventType = "factor.enrolled"
	EventFactorConfirmed            EventType = "factor.confirmed"
	EventFactorApproved             EventType = "factor.approved"
	EventFactorCheckFailed          EventType = "factor.check_failed"
	EventFactorLocked               EventType = "factor.locked"
	EventFactorDeleted              EventType = "factor.deleted"
	EventFactorRecoveryCodesRenewed EventType = "factor.recovery_codes_renewed"
)

// Event is a notice of what happened. It may come twice, with the same ID, and in
// no order. It proves no login: that takes the session of a check.
type Event struct {
	ID        string    `json:"-"`
	Type      EventType `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it happened
	Data      EventData `json:"data"`
}

// EventData is what it happened to.
type EventData struct {
	VerificationID string  `json:"verification_id,omitempty"`
	FactorID       string  `json:"factor_id,omitempty"` // instead, of factor.…
	Namespace      string  `json:"namespace"`
	ToMasked       string  `json:"to_masked,omitempty"` // not of a factor
	Send           int     `json:"send,omitempty"`      // 0: the verification itself
	Attempt        int     `json:"attempt,omitempty"`   // 0: the send itself
	Channel        Channel `json:"channel,omitempty"`   // of what was created
	Provider       string  `json:"provider,omitempty"`
	Reason         string  `json:"reason,omitempty"`
}

// EventReader reads the notices that otpipe posts to an endpoint of yours. Its
// method may be called by many goroutines at once.
type EventReader struct {
	Secrets []Secret         // whsec_…; any of them may have signed
	Now     func() time.Time // nil: time.Now
}

// Read reads the notice that a request is, if its signature is good. Its error is
// ErrForgedEvent, or says that the request did not arrive whole, is too long or no
// notice, or that a secret of yours is none.
func (r *EventReader) Read(q *http.Request) (Event, error) {
	keys, err := r.keys()
	if err != nil {
		return Event{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, q.Body, maxEvent))
	if err != nil {
		return Event{}, fmt.Errorf("read the notice: %w", err)
	}
	id, at := q.Header.Get("webhook-id"), q.Header.Get("webhook-timestamp")
	if !r.recent(at) || !signed(keys, id+"."+at+"."+string(body), q.Header.Get("webhook-signature")) {
		return Event{}, ErrForgedEvent
	}
	e := Event{ID: id}
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, fmt.Errorf("read the notice: %w", err)
	}
	return e, nil
}

// keys are what the secrets stand for. A short one could be guessed, an empty one
// is everybody's.
func (r *EventReader) keys() ([][]byte, error) {
	if len(r.Secrets) == 0 {
		return nil, errors.New("no secret is given to know a notice by")
	}
	keys := make([][]byte, len(r.Secrets))
	for i, s := range r.Secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Reveal(), "whsec_"))
		if err != nil || len(key) < minKey {
			return nil, fmt.Errorf("secret %d is not whsec_ and at least %d bytes in base64", i+1, minKey)
		}
		keys[i] = key
	}
	return keys, nil
}

func (r *EventReader) recent(timestamp string) bool {
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	return err == nil && now().Sub(time.Unix(seconds, 0)).Abs() <= skew
}

// signed tells whether one of the signatures is made with one of the keys.
func signed(keys [][]byte, text, signatures string) bool {
	for signature := range strings.FieldsSeq(signatures) {
		version, value, _ := strings.Cut(signature, ",")
		got, err := base64.StdEncoding.DecodeString(value)
		if version != "v1" || err != nil {
			continue
		}
		for _, key := range keys {
			mac := hmac.New(sha256.New, key)
			_, _ = io.WriteString(mac, text)
			if hmac.Equal(got, mac.Sum(nil)) {
				return true
			}
		}
	}
	return false
}
