// Package jwestore keeps digests of codes with whoever asked for the code: in a
// ticket, which is a JWE (RFC 7516, dir and A256GCM) and tells nothing to who has
// it. It runs in the api.
package jwestore

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/otpipe/otpipe/internal/otp"
)

// longest is how long a ticket is at the most.
const longest = 2048

// Tickets seals digests with the ring's keys, and opens what they sealed.
type Tickets struct {
	Ring otp.Ring // of the purpose
	Now  func() time.Time
}

// content are the claims beside exp and aud.
type content struct {
	Slot    otp.Slot        `json:"slot"`
	ID      otp.ID          `json:"sub"`
	Channel otp.Channel     `json:"ch"`
	Anchor  otp.Anchor      `json:"to"`
	Binding otp.Fingerprint `json:"by,omitempty"`
	Key     string          `json:"key"`
	Sum     string          `json:"sum"`
}

// Seal makes a ticket.
func (t Tickets) Seal(s otp.Sealable) (otp.Ticket, error) {
	key := t.Ring.Primary()
	e, err := jose.NewEncrypter(jose.A256GCM,
		jose.Recipient{Algorithm: jose.DIRECT, Key: key.Sealing(), KeyID: key.ID()}, (&jose.EncrypterOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("seal ticket: %w", err)
	}
	text, err := jwt.Encrypted(e).Claims(jwt.Claims{Audience: jwt.Audience{string(s.Namespace)}, Expiry: jwt.NewNumericDate(s.ExpiresAt)}).
		Claims(content{s.Slot, s.ID, s.Channel, s.Anchor, s.Binding, s.Digest.Key, s.Digest.Sum}).Serialize()
	if err != nil {
		return "", fmt.Errorf("seal ticket: %w", err)
	}
	return otp.Ticket(text), nil
}

// errTicket is all that is said of a ticket that is no good.
var errTicket = errors.New("this ticket is not ours, not for this namespace, or has expired")

// Open is what a ticket of a namespace holds. Its error tells nothing.
func (t Tickets) Open(ticket otp.Ticket, ns otp.Namespace) (s otp.Sealable, err error) {
	if len(ticket) > longest {
		return s, errTicket
	}
	sealed, err := jwt.ParseEncrypted(string(ticket), []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil || len(sealed.Headers) != 1 {
		return s, errTicket
	}
	key, ok := t.Ring.Find(sealed.Headers[0].KeyID)
	if !ok {
		return s, errTicket
	}
	var said jwt.Claims
	var c content
	if sealed.Claims(key.Sealing(), &said, &c) != nil || said.Expiry == nil {
		return s, errTicket
	}
	if said.ValidateWithLeeway(jwt.Expected{AnyAudience: jwt.Audience{string(ns)}, Time: t.Now()}, 0) != nil {
		return s, errTicket
	}
	return otp.Sealable{
		Slot: c.Slot, ID: c.ID, Namespace: ns, Channel: c.Channel, Anchor: c.Anchor, Binding: c.Binding,
		Digest: otp.Digest{Key: c.Key, Sum: c.Sum}, ExpiresAt: said.Expiry.Time(),
	}, nil
}
