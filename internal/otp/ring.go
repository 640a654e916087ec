package otp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"regexp"
	"sync"
)

// KeySize is the length of every secret key in bytes.
const KeySize = 32

var keyID = regexp.MustCompile(`^[a-z0-9]{1,16}$`)

// Key is a secret with a public name. It prints its name only.
type Key struct {
	id     string
	secret hidden
	aead   func() cipher.AEAD
	macs   *sync.Pool // of hash.Hash: a fresh one costs four times as much
}

// NewKey makes a key of KeySize random bytes. The name, one to sixteen lower-case
// letters and digits, is stored beside everything the key protects.
func NewKey(id string, secret []byte) (Key, error) {
	if !keyID.MatchString(id) {
		return Key{}, errors.New("a key's id is 1 to 16 lower-case letters and digits")
	}
	if len(secret) != KeySize {
		return Key{}, fmt.Errorf("key %s: want %d bytes, have %d", id, KeySize, len(secret))
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return Key{}, fmt.Errorf("key %s: %w", id, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return Key{}, fmt.Errorf("key %s: %w", id, err)
	}
	kept := hide(string(secret))
	macs := &sync.Pool{New: func() any { return hmac.New(sha256.New, []byte(kept())) }}
	return Key{id: id, secret: kept, aead: func() cipher.AEAD { return aead }, macs: macs}, nil
}

// ID is the key's public name.
func (k Key) ID() string { return k.id }

// Mark tells two keys of one name apart without telling anything about them:
// processes compare it with what others have stored.
func (k Key) Mark() string { return k.mac(8, "mark") }

// Format prints the name whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "key "+k.id) }

// LogValue logs the name.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.id) }

// MarshalJSON refuses.
func (k Key) MarshalJSON() ([]byte, error) { return nil, errors.New("otp: a key is never marshalled") }

// mac is the first n bytes of sum in base64url.
func (k Key) mac(n int, parts ...string) string {
	sum := k.sum(parts...)
	return base64.RawURLEncoding.EncodeToString(sum[:n])
}

// sum is HMAC-SHA256 over parts. They are prefixed with their lengths, so no
// two lists of parts read the same.
func (k Key) sum(parts ...string) (sum [sha256.Size]byte) {
	h, _ := k.macs.Get().(hash.Hash)
	defer k.macs.Put(h)
	h.Reset()
	var buf [128]byte
	b := buf[:0]
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	h.Write(b)
	h.Sum(sum[:0])
	return sum
}

// derive makes the key of one purpose out of a master key (RFC 5869).
func (k Key) derive(purpose string) (Key, error) {
	secret, err := hkdf.Key(sha256.New, []byte(k.secret.reveal()), nil, "otpipe/v1/"+purpose, KeySize)
	if err != nil {
		return Key{}, err
	}
	return NewKey(k.id, secret)
}

// Ring holds the keys of one purpose. New values are made with the primary,
// old ones are read with whichever key they name.
type Ring struct {
	keys []Key // the primary first
}

// NewRing makes the key named primary the one that new values are made with.
func NewRing(primary string, keys ...Key) (Ring, error) {
	var r Ring
	seen := map[string]bool{}
	for _, k := range keys {
		if seen[k.id] {
			return Ring{}, fmt.Errorf("two keys are named %s", k.id)
		}
		seen[k.id] = true
		if k.id == primary {
			r.keys = append([]Key{k}, r.keys...)
		} else {
			r.keys = append(r.keys, k)
		}
	}
	if !seen[primary] {
		return Ring{}, errors.New("the primary key is not in the ring")
	}
	return r, nil
}

// Primary is the key that new values are made with.
func (r Ring) Primary() Key { return r.keys[0] }

// All lists the keys, the primary first.
func (r Ring) All() []Key { return r.keys }

// Find returns the key that a stored value names.
func (r Ring) Find(id string) (Key, bool) {
	for _, k := range r.keys {
		if k.id == id {
			return k, true
		}
	}
	return Key{}, false
}

func (r Ring) derive(purpose string) (Ring, error) {
	var d Ring
	for _, k := range r.keys {
		dk, err := k.derive(purpose)
		if err != nil {
			return Ring{}, err
		}
		d.keys = append(d.keys, dk)
	}
	return d, nil
}

// Keys are the secrets of the process. They are never stored in Redis.
type Keys struct {
	Digest      Ring // of codes
	Fingerprint Ring // of recipients
	Seal        Ring // of codes and letters that wait for a worker
	Session     Ring // of session tokens
	Ticket      Ring // of digests that whoever asks for a code keeps
	Sign        Ring // of sessions that are verified without a look-up
	Bounce      Ring // of the return paths that bounces come back to
	Audit       Key  // of the sums of records
	Anchor      Key  // of partitions and anchors; it never changes, or stored state is lost
}

// DeriveKeys makes the ring of each purpose out of one ring of master keys, so
// that an operator has one ring to keep and to rotate.
func DeriveKeys(master Ring, anchor Key) (k Keys, err error) {
	for purpose, ring := range map[string]*Ring{
		"digest": &k.Digest, "fingerprint": &k.Fingerprint, "seal": &k.Seal, "session": &k.Session, "sign": &k.Sign, "ticket": &k.Ticket, "bounce": &k.Bounce,
	} {
		if *ring, err = master.derive(purpose); err != nil {
			return Keys{}, fmt.Errorf("derive %s keys: %w", purpose, err)
		}
	}
	if k.Audit, err = anchor.derive("audit"); err != nil {
		return Keys{}, fmt.Errorf("derive the audit key: %w", err)
	}
	k.Anchor, err = anchor.derive("anchor")
	return k, err
}
