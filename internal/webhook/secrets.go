package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// SecretPrefix stands before a secret, so that people and scanners know it for one.
const SecretPrefix = "whsec_"

// How many random bytes a secret has, by the standard.
const (
	minSecret = 24
	maxSecret = 64
)

// errSecret never quotes what it is about.
var errSecret = errors.New("webhook: a secret is whsec_ and 24 to 64 random bytes in base64")

// Secrets are what two sides share. There are two while one replaces the other:
// both sign, and either is believed. The zero value signs nothing and believes
// nobody. They never print.
type Secrets struct {
	keys func() [][]byte // in a closure, for fmt reads unexported fields without asking them
}

// NewSecrets reads secrets as they are written down, with or without their
// prefix. An empty one would let anybody sign, and is refused like every short one.
func NewSecrets(texts ...string) (Secrets, error) {
	var keys [][]byte
	for _, text := range texts {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, SecretPrefix))
		if err != nil || len(key) < minSecret || len(key) > maxSecret {
			return Secrets{}, errSecret
		}
		keys = append(keys, key)
	}
	return Secrets{func() [][]byte { return keys }}, nil
}

func (s Secrets) all() [][]byte {
	if s.keys == nil {
		return nil
	}
	return s.keys()
}

// Format prints that there is something, whatever the verb.
func (s Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// LogValue logs the same.
func (s Secrets) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalJSON refuses.
func (s Secrets) MarshalJSON() ([]byte, error) {
	return nil, errors.New("webhook: secrets are never marshalled")
}
