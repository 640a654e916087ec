package config

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/otpipe/otpipe/internal/otp"
)

// How to make what is missing.
const (
	randomKey = "openssl rand -base64 32"
	newCaller = `KEY=otk_$(openssl rand -hex 32); printf %s "$KEY" | sha256sum`
)

// leastVariety is how many different bytes a secret has at least. Of 32 random
// ones fewer are different once in 10³⁵ times; a pattern has few.
const leastVariety = 6

// Public are the keys of dev mode, which everybody knows: master keys in hex, the
// SHA-256 of the API key, and the hash of its people's password.
var (
	publicSecrets = []string{
		"6465762d6d6f64652d6465762d6d6f64652d6465762d6d6f64652d6465762d6d",
		"7075626c69632d6465762d6b65792d7075626c69632d6465762d6b65792d7075",
	}
	publicCallers = []string{"ef260e9aa3c673af240d17a2660480361a8e081d1ffeca2a5ed0e3219fc18567"}
	publicHashes  = []string{"$argon2id$v=19$m=19456,t=2,p=1$VcOQLjx3IvnRfqjQ3HhsHg$v46cqlyc7a6p/PGOqmv6I3A5zT4E4cSnDpM9ZaiBBEM"}
)

// checkPublic refuses dev mode's keys: whoever knows them can read every code
// and open every session.
func (c Config) checkPublic(cs *complaints) {
	refuse := func(s Secret, setting string) {
		b, ok := decoded(s)
		cs.want(!ok || !slices.Contains(publicSecrets, hex.EncodeToString(b)), setting, "this is dev mode's key, which everybody knows: make your own with %s", randomKey)
	}
	refuse(c.Keys.Anchor, "keys.anchor")
	for i, k := range c.Keys.Ring {
		refuse(k.Secret, entry("keys.ring", i)+".secret")
	}
	for i, k := range c.Callers {
		cs.want(!slices.Contains(publicCallers, k.KeySHA256), entry("callers", i)+".key_sha256", "this is dev mode's API key, which everybody knows: make your own with %s", newCaller)
	}
	for i, u := range c.Support.Users {
		cs.want(!slices.Contains(publicHashes, u.PasswordHash.Reveal()), entry("support.users", i)+".password_hash", "this is dev mode's password, which everybody knows: make your own with %s", newHash)
	}
}

// placeholder tells a hash that stands in an example from one of a key.
func placeholder(hash string) bool {
	return hash != "" && strings.Count(hash, hash[:1]) == len(hash)
}

// Secrets makes the keys of the process.
func (c Config) Secrets() (otp.Keys, error) {
	var cs complaints
	keys := c.secrets(&cs)
	return keys, cs.join()
}

func (c Config) secrets(cs *complaints) (keys otp.Keys) {
	before := len(*cs)
	var all []otp.Key
	for i, k := range c.Keys.Ring {
		all = append(all, newKey(k.ID, k.Secret, entry("keys.ring", i)+".id", entry("keys.ring", i)+".secret", cs))
	}
	anchor := newKey("anchor", c.Keys.Anchor, "", "keys.anchor", cs)
	c.checkRing(cs)
	if len(*cs) > before {
		return otp.Keys{}
	}
	ring, err := otp.NewRing(c.Keys.Primary, all...)
	if err == nil {
		keys, err = otp.DeriveKeys(ring, anchor)
	}
	if err != nil {
		cs.add("keys", "%v", err)
	}
	return keys
}

func (c Config) checkRing(cs *complaints) {
	seen := map[string]bool{}
	for i, k := range c.Keys.Ring {
		cs.want(!seen[k.ID], entry("keys.ring", i)+".id", "want an id of its own")
		seen[k.ID] = true
	}
	cs.want(len(seen) > 0, "keys.ring", "want a key: [[keys.ring]] with an id and a secret")
	cs.want(len(seen) == 0 || seen[c.Keys.Primary], "keys.primary", "want the id of a key in the ring")
}

// newKey makes a key, or one that must not be used and a complaint.
func newKey(id string, s Secret, idSetting, setting string, cs *complaints) otp.Key {
	b, ok := decoded(s)
	switch {
	case !ok:
		cs.add(setting, "want %d random bytes in base64 or hex: %s", otp.KeySize, randomKey)
		b = make([]byte, otp.KeySize)
	case variety(b) < leastVariety:
		cs.add(setting, "this is a pattern that can be guessed: want random bytes: %s", randomKey)
	}
	key, err := otp.NewKey(id, b)
	cs.want(err == nil, idSetting, "want 1 to 16 lower-case letters and digits")
	return key
}

// decoded is a secret's bytes, of whichever form it has.
func decoded(s Secret) ([]byte, bool) {
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawURLEncoding.DecodeString} {
		if b, err := decode(s.Reveal()); err == nil && len(b) == otp.KeySize {
			return b, true
		}
	}
	return nil, false
}

func variety(b []byte) int {
	seen := map[byte]bool{}
	for _, one := range b {
		seen[one] = true
	}
	return len(seen)
}
