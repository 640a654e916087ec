package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Channel is how a code goes to its recipient.
type Channel string

// The channels.
const (
	SMS   Channel = "sms"
	Email Channel = "email"
)

// Status is how a verification stands.
type Status string

// The statuses. All but the first are final.
const (
	Pending  Status = "pending"
	Approved Status = "approved"
	Expired  Status = "expired"
	Canceled Status = "canceled"
	Locked   Status = "locked"
)

// Verification is one try to prove control of a recipient.
type Verification struct {
	ID        string    `json:"id"`
	Namespace string    `json:"namespace"`
	Channel   Channel   `json:"channel"`
	ToMasked  string    `json:"to_masked"` // the recipient, for people to recognize
	Status    Status    `json:"status"`
	Send      int       `json:"send"`       // the number of the newest send
	SendsLeft int       `json:"sends_left"` // how many more there may be
	ExpiresAt time.Time `json:"expires_at"`
	ResendAt  time.Time `json:"resend_at"` // from then on the code may be sent again
	Delivery  Delivery  `json:"delivery"`
}

// Delivery is how the newest send stands.
type Delivery struct {
	Status   DeliveryStatus `json:"status"`
	Provider string         `json:"provider,omitempty"`
	ToMasked string         `json:"to_masked,omitempty"` // if it went to another address than the verification's
}

// DeliveryStatus is how far a send has come. Only a receipt says delivered; accepted
// and sent are what a provider says of itself.
type DeliveryStatus string

// The statuses of a send.
const (
	DeliveryQueued      DeliveryStatus = "queued"
	DeliverySending     DeliveryStatus = "sending"
	DeliveryAccepted    DeliveryStatus = "accepted"
	DeliverySent        DeliveryStatus = "sent"
	DeliveryUnknown     DeliveryStatus = "unknown"     // the provider's answer never came
	DeliveryUndelivered DeliveryStatus = "undelivered" // taken, and given up
	DeliveryFailed      DeliveryStatus = "failed"      // nobody took it
	DeliveryDelivered   DeliveryStatus = "delivered"
	DeliveryExpired     DeliveryStatus = "expired"    // the code died first
	DeliveryCanceled    DeliveryStatus = "canceled"   // you canceled first
	DeliverySuperseded  DeliveryStatus = "superseded" // a later send, or the end of the verification, came first
	DeliverySuppressed  DeliveryStatus = "suppressed" // the recipient cannot be reached on this channel
)

// Record is a verification in a list.
type Record struct {
	Verification
	CreatedAt   time.Time `json:"created_at"`
	Checks      Checks    `json:"checks"`
	LockedUntil time.Time `json:"locked_until,omitzero"` // zero: the recipient is not locked
}

// Checks are the guesses at a code.
type Checks struct {
	Made int `json:"made"`
	Max  int `json:"max"`
}

// Told is a verification with its life.
type Told struct {
	Record
	Explanation Explanation `json:"explanation"`
	Timeline    []Step      `json:"timeline"`
}

// Explanation says in plain words what happened, and what to do next.
type Explanation struct {
	What string `json:"what"`
	Next string `json:"next"` // "": nothing
}

// Step is something that happened to a verification.
type Step struct {
	At       time.Time `json:"at"`
	Send     int       `json:"send"`
	Attempt  int       `json:"attempt"` // 0: the step is of no hand-over to a provider
	State    string    `json:"state"`
	Provider string    `json:"provider,omitempty"`
	Ref      string    `json:"ref,omitempty"` // the provider's name for the message
	Reason   string    `json:"reason,omitempty"`
}

// Get tells of a verification. Its error may be ErrVerificationNotFound.
func (c *Client) Get(ctx context.Context, id string) (t Told, err error) {
	_, err = c.do(ctx, call{operation: "get", method: http.MethodGet, path: "/v1/verifications/" + url.PathEscape(id), again: harmless}, &t)
	return t, err
}

// Cancel makes a code useless; again is no error. Its error may be
// ErrVerificationNotFound or ErrAlreadyFinished.
func (c *Client) Cancel(ctx context.Context, id string) (t Told, err error) {
	_, err = c.do(ctx, call{operation: "cancel", method: http.MethodPost, path: "/v1/verifications/" + url.PathEscape(id) + "/cancel", again: harmless}, &t)
	return t, err
}

// SearchRequest is about a recipient's verifications.
type SearchRequest struct {
	To        string `json:"to"`
	Namespace string `json:"namespace,omitempty"` // "": in all that the key is for
	Limit     int    `json:"limit,omitempty"`     // 1 to 50; 0: 20
	Cursor    string `json:"cursor,omitempty"`    // from Found.NextCursor
}

// Found are verifications, the newest first.
type Found struct {
	Items      []Record `json:"items"`
	NextCursor string   `json:"next_cursor"` // "": these were the last
}

// Search lists a recipient's verifications.
func (c *Client) Search(ctx context.Context, r SearchRequest) (f Found, err error) {
	_, err = c.do(ctx, call{operation: "search", method: http.MethodPost, path: "/v1/verifications/search", body: r, again: harmless}, &f)
	return f, err
}
