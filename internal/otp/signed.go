package otp

import (
	"crypto/ed25519"
	"time"
)

// SessionForm says what proves a right check.
type SessionForm string

const (
	// OpaqueSession is a token that is looked up, and may be used up.
	OpaqueSession SessionForm = "opaque"
	// SignedSession is a JSON Web Token (RFC 7519): whoever has our public keys
	// verifies it without asking, until it expires.
	SignedSession SessionForm = "jwt"
)

// LongestSigned is how long a signed session may be good for: nobody can end it.
const LongestSigned = time.Hour

// Claims are what a signed session says.
type Claims struct {
	Key       string // that it is signed with: the id in the ring
	ID        ID     // of the approved verification
	Namespace Namespace
	Channel   Channel
	To        string // stands for the recipient; see Keys.StandIn
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// StandIn stands for a recipient in what others may read. Nobody can tell from it
// who that is, nor whether two of different namespaces are one.
func (k Keys) StandIn(o Owner) string {
	return k.Anchor.mac(fingerprintBytes, "stand-in", string(o.Namespace), string(o.Anchor))
}

// Signing is the key as one that signs (EdDSA over Curve25519, RFC 8032).
func (k Key) Signing() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(k.secret.reveal()))
}

// SignedToken keeps a signed session as other tokens are: it prints as dots.
func SignedToken(text string) Token { return Token{hide(text)} }
