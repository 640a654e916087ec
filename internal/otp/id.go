package otp

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// ID names a verification: "VE" and 32 hex digits, the first two of them its
// partition, so that an id finds its slot without a look-up. It has the form of
// a Twilio SID, whose clients accept it.
type ID string

// NewID draws an id in a partition. 120 bits of it are random.
func NewID(p Partition) ID {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[0] = byte(p)
	return ID("VE" + hex.EncodeToString(b[:]))
}

// ParseID accepts what NewID makes. The error is ErrNotFound: what is no id
// names no verification.
func ParseID(s string) (ID, error) {
	digits, ok := strings.CutPrefix(s, "VE")
	if !ok || len(digits) != 32 || strings.ToLower(digits) != digits {
		return "", ErrNotFound
	}
	if _, err := hex.DecodeString(digits); err != nil {
		return "", ErrNotFound
	}
	return ID(s), nil
}

// Partition is the partition in which the verification lies.
func (id ID) Partition() Partition {
	b, err := hex.DecodeString(string(id[2:4]))
	if err != nil {
		return 0
	}
	return Partition(b[0])
}

// Order names a send: the nth order to deliver the code of a verification,
// counted from one. It is all that a queue ever carries.
type Order struct {
	ID   ID
	Send int
}

// String is the order as queues and logs write it.
func (o Order) String() string { return fmt.Sprintf("%s/%d", o.ID, o.Send) }

// Nonce marks one request, so that a repetition of the same command by a client
// library or a network is answered as the first was. 128 bits in base64url.
type Nonce string

// NewNonce draws a nonce for a request that will not be repeated by its caller.
func NewNonce() Nonce {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return Nonce(base64.RawURLEncoding.EncodeToString(b[:]))
}

// NonceOf makes the nonce of a request that its caller may repeat, from the
// caller's name, the endpoint and the Idempotency-Key. Only as many nonces can
// meet as a caller makes keys: they are not secret.
func NonceOf(caller, endpoint, key string) Nonce {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%d:%s%s", len(caller), caller, len(endpoint), endpoint, key))
	return Nonce(base64.RawURLEncoding.EncodeToString(sum[:16]))
}
