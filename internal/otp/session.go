package otp

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strconv"
	"time"
)

// Token proves a check: "ots_", the partition, and 256 bits in base64url. It
// prints as dots; only Reveal gives it away.
type Token struct{ text hidden }

// Session is the proof of an approved verification.
type Session struct {
	ID        ID      // of the verification
	Channel   Channel // where the code went last
	Masked    string  // to which address
	ExpiresAt time.Time
}

// SessionSeed is a token's name in the store: the key that made it and a hash
// that does not tell it.
type SessionSeed struct {
	Key  string // of the session ring
	Hash string
}

const tokenPrefix = "ots_"

var tokenForm = regexp.MustCompile(`^ots_[0-9a-f]{2}[A-Za-z0-9_-]{43}$`)

// ParseToken accepts the form of a token. The error is ErrNotFound.
func ParseToken(s string) (Token, error) {
	if !tokenForm.MatchString(s) {
		return Token{}, ErrNotFound
	}
	return Token{hide(s)}, nil
}

// TokenOf makes the token that a right check with this nonce opens. It is
// recomputed, never stored: the same request gets the same token again, and it
// depends on nothing that only the store knows.
func (k Keys) TokenOf(o Owner, c Code, n Nonce) (Token, SessionSeed) {
	key := k.Session.Primary()
	t := tokenWith(key, o, c, n)
	return t, SessionSeed{Key: key.id, Hash: t.Hash()}
}

// SessionsOf names in the store what TokenOf makes, under every live key, the
// primary's first: an answer may be given again after the primary changed.
func (k Keys) SessionsOf(o Owner, c Code, n Nonce) []SessionSeed {
	all := make([]SessionSeed, 0, len(k.Session.keys))
	for _, key := range k.Session.keys {
		all = append(all, SessionSeed{Key: key.id, Hash: tokenWith(key, o, c, n).Hash()})
	}
	return all
}

// TokenAgain makes the token under the key that the seed names, for an answer
// that is given a second time.
func (k Keys) TokenAgain(keyID string, o Owner, c Code, n Nonce) (Token, error) {
	key, ok := k.Session.Find(keyID)
	if !ok {
		return Token{}, errors.New("otp: the session key is not in the ring")
	}
	return tokenWith(key, o, c, n), nil
}

func tokenWith(key Key, o Owner, c Code, n Nonce) Token {
	secret := key.mac(32, "session", string(o.Namespace), string(o.Anchor), c.Reveal(), string(n))
	return Token{hide(tokenPrefix + o.Partition.String() + secret)}
}

// Hash names the token in the store: 128 bits, in base64url.
func (t Token) Hash() string {
	sum := sha256.Sum256([]byte(t.text.reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Partition is the partition in which the session lies.
func (t Token) Partition() Partition {
	n, err := strconv.ParseUint(t.text.reveal()[len(tokenPrefix):len(tokenPrefix)+2], 16, 8)
	if err != nil {
		return 0
	}
	return Partition(n)
}

// Reveal gives the token away: to the caller who earned it.
func (t Token) Reveal() string { return t.text.reveal() }

// Format prints dots whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, dots) }

// LogValue logs dots.
func (t Token) LogValue() slog.Value { return slog.StringValue(dots) }

// MarshalJSON refuses: a token leaves through Reveal or not at all.
func (t Token) MarshalJSON() ([]byte, error) {
	return nil, errors.New("otp: a token is never marshalled")
}
