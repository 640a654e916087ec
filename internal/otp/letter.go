package otp

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Sealed is an encrypted value with the name of its key: "id.base64url".
type Sealed string

// MaxParam is the most characters that a value of a letter's params has.
const MaxParam = 32

// Letter is what a worker needs to write a message and nobody else may see.
type Letter struct {
	To     Recipient
	Locale string            // BCP 47; "" for the default
	Params map[string]string // what the template declares beyond the code
	Decoy  bool              // everything is as for another one, and nothing is sent
}

// letterWire is the plaintext inside a sealed letter.
type letterWire struct {
	Channel Channel           `json:"c"`
	Address string            `json:"a"`
	Limit   string            `json:"l,omitempty"` // where it differs from the address
	Masked  string            `json:"m"`
	Locale  string            `json:"o,omitempty"`
	Params  map[string]string `json:"p,omitempty"`
	Decoy   int               `json:"d"` // 0 or 1: a letter's length must not tell
}

// SealCode encrypts a code for the worker that will send it.
func (k Keys) SealCode(o Owner, c Code) Sealed {
	return k.seal("code", o, []byte(c.Reveal()))
}

// OpenCode is the reverse of SealCode. It fails for a value that was sealed for
// another recipient or namespace, or with a key that is no longer in the ring.
func (k Keys) OpenCode(o Owner, s Sealed) (Code, error) {
	b, err := k.open("code", o, s)
	return Code{hide(string(b))}, err
}

// SealLetter encrypts a letter for the worker that will send it.
func (k Keys) SealLetter(o Owner, l Letter) (Sealed, error) {
	w := letterWire{Channel: l.To.channel, Address: l.To.Reveal(), Masked: l.To.masked, Locale: l.Locale, Params: l.Params, Decoy: map[bool]int{true: 1}[l.Decoy]}
	if limit := l.To.limit.reveal(); limit != w.Address {
		w.Limit = limit
	}
	b, err := json.Marshal(w)
	if err != nil {
		return "", fmt.Errorf("otp: write letter: %w", err)
	}
	return k.seal("letter", o, b), nil
}

// OpenLetter is the reverse of SealLetter; it fails as OpenCode does.
func (k Keys) OpenLetter(o Owner, s Sealed) (Letter, error) {
	b, err := k.open("letter", o, s)
	if err != nil {
		return Letter{}, err
	}
	var w letterWire
	if err := json.Unmarshal(b, &w); err != nil {
		return Letter{}, errors.New("otp: read letter: not a letter") // the decoder's words would quote it
	}
	if w.Limit == "" {
		w.Limit = w.Address
	}
	return Letter{To: NewRecipient(w.Channel, w.Address, w.Limit, w.Masked), Locale: w.Locale, Params: w.Params, Decoy: w.Decoy == 1}, nil
}

// seal encrypts with AES-256-GCM under a random nonce. What the value is, and
// for whom, is authenticated with it: it opens in no other place.
func (k Keys) seal(kind string, o Owner, plain []byte) Sealed {
	key := k.Seal.Primary()
	ct := key.aead().Seal(nil, nil, plain, sealContext(kind, o)) //nolint:gosec // this AEAD draws its nonces itself
	return Sealed(key.id + "." + base64.RawURLEncoding.EncodeToString(ct))
}

func (k Keys) open(kind string, o Owner, s Sealed) ([]byte, error) {
	id, body, ok := strings.Cut(string(s), ".")
	key, known := k.Seal.Find(id)
	if !ok || !known {
		return nil, fmt.Errorf("otp: open %s: its seal key is not in the ring", kind)
	}
	ct, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return nil, fmt.Errorf("otp: open %s: not base64", kind)
	}
	plain, err := key.aead().Open(nil, nil, ct, sealContext(kind, o))
	if err != nil {
		return nil, fmt.Errorf("otp: open %s: sealed for somebody else, or damaged", kind)
	}
	return plain, nil
}

func sealContext(kind string, o Owner) []byte {
	return []byte(kind + "\x00" + string(o.Namespace) + "\x00" + string(o.Anchor))
}

// SealAddress encrypts a recipient's address for those of the staff who may see
// it, and to find all that belongs to them.
func (k Keys) SealAddress(o Owner, r Recipient) Sealed {
	text := string(r.channel) + "\n" + r.Reveal()
	if limit := r.limit.reveal(); limit != r.Reveal() {
		text += "\n" + limit
	}
	return k.seal("address", o, []byte(text))
}

// OpenAddress is the reverse of SealAddress; it fails as OpenCode does. masked is
// what others than the recipient may see of it.
func (k Keys) OpenAddress(o Owner, s Sealed, masked string) (Recipient, error) {
	b, err := k.open("address", o, s)
	if err != nil {
		return Recipient{}, err
	}
	channel, rest, _ := strings.Cut(string(b), "\n")
	address, limit, other := strings.Cut(rest, "\n")
	if !other {
		limit = address
	}
	return NewRecipient(Channel(channel), address, limit, masked), nil
}
