// Package jwtsession makes sessions that are verified without a look-up: JSON Web
// Tokens (RFC 7519) signed with EdDSA (RFC 8037), whose public keys are published
// as a JWK Set (RFC 7517). It runs in the api.
package jwtsession

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/otpipe/otpipe/internal/otp"
)

// Signer signs with the ring's keys, and reads what they signed.
type Signer struct {
	Ring   otp.Ring // of the purpose
	Issuer string   // the claim iss
	Now    func() time.Time
}

// private are the claims that have no registered name. amr is of RFC 8176: "otp",
// and "sms" where the code went by text.
type private struct {
	AMR     []string    `json:"amr"`
	Channel otp.Channel `json:"otp_channel"`
	To      string      `json:"otp_to"`
}

// Sign makes the token of these claims. The same claims make the same token.
func (s Signer) Sign(c otp.Claims) (string, error) {
	key, ok := s.Ring.Find(c.Key)
	if !ok {
		return "", errors.New("the key of the session is not in the ring")
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: key.Signing(), KeyID: key.ID()}},
		(&jose.SignerOptions{}).WithType("JWT"),
	)
	if err != nil {
		return "", fmt.Errorf("sign session: %w", err)
	}
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: s.Issuer, Subject: string(c.ID), Audience: jwt.Audience{string(c.Namespace)},
		IssuedAt: jwt.NewNumericDate(c.IssuedAt), Expiry: jwt.NewNumericDate(c.ExpiresAt),
	}).Claims(private{methods(c.Channel), c.Channel, c.To}).Serialize()
}

func methods(ch otp.Channel) []string {
	if ch == otp.SMS {
		return []string{"otp", "sms"}
	}
	return []string{"otp"}
}

// Read is what a token of a namespace says. Its error is otp.ErrNotFound unless it
// is ours, for that namespace, and good now.
func (s Signer) Read(token string, ns otp.Namespace) (otp.Claims, error) {
	t, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(t.Headers) != 1 {
		return otp.Claims{}, otp.ErrNotFound
	}
	key, ok := s.Ring.Find(t.Headers[0].KeyID)
	if !ok {
		return otp.Claims{}, otp.ErrNotFound
	}
	var said jwt.Claims
	var own private
	if t.Claims(key.Signing().Public(), &said, &own) != nil {
		return otp.Claims{}, otp.ErrNotFound
	}
	want := jwt.Expected{Issuer: s.Issuer, AnyAudience: jwt.Audience{string(ns)}, Time: s.Now()}
	if said.Expiry == nil || said.ValidateWithLeeway(want, 0) != nil {
		return otp.Claims{}, otp.ErrNotFound
	}
	c := otp.Claims{Key: key.ID(), ID: otp.ID(said.Subject), Namespace: ns, Channel: own.Channel, To: own.To, ExpiresAt: said.Expiry.Time()}
	if said.IssuedAt != nil {
		c.IssuedAt = said.IssuedAt.Time()
	}
	return c, nil
}

// JWKS is the set of public keys, also of those that are for reading only so far:
// verifiers know a key before anything is signed with it.
func (s Signer) JWKS() ([]byte, error) {
	var set jose.JSONWebKeySet
	for _, key := range s.Ring.All() {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Signing().Public(), KeyID: key.ID(), Algorithm: string(jose.EdDSA), Use: "sig"})
	}
	return json.Marshal(set)
}
