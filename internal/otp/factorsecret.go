package otp

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// FactorSecret is what an app and we compute codes from. It prints as dots and
// refuses to be marshalled; only Reveal and Base32 give it away.
type FactorSecret struct{ bytes hidden }

// NewFactorSecret draws one, as long as the algorithm's hash.
func NewFactorSecret(a Algorithm) FactorSecret {
	b := make([]byte, a.secretBytes())
	_, _ = rand.Read(b) // it never fails
	return FactorSecretOf(b)
}

// FactorSecretOf keeps the bytes of a secret that is there already.
func FactorSecretOf(b []byte) FactorSecret { return FactorSecret{hide(string(b))} }

// Reveal gives the bytes away: to the computation of codes.
func (s FactorSecret) Reveal() []byte { return []byte(s.bytes.reveal()) }

// Base32 gives them away as people type them: to the one who enrols.
func (s FactorSecret) Base32() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s.Reveal())
}

// Format prints dots whatever the verb.
func (s FactorSecret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, dots) }

// LogValue logs dots.
func (s FactorSecret) LogValue() slog.Value { return slog.StringValue(dots) }

// MarshalJSON refuses: a secret leaves through Base32 or not at all.
func (s FactorSecret) MarshalJSON() ([]byte, error) {
	return nil, errors.New("otp: a factor's secret is never marshalled")
}

// SealFactor encrypts a secret for the database. It opens for this factor alone.
func (k Keys) SealFactor(ns Namespace, id FactorID, s FactorSecret) Sealed {
	return k.seal("factor", factorContext(ns, id), s.Reveal())
}

// OpenFactor is the reverse of SealFactor; it fails as OpenCode does.
func (k Keys) OpenFactor(ns Namespace, id FactorID, s Sealed) (FactorSecret, error) {
	b, err := k.open("factor", factorContext(ns, id), s)
	return FactorSecretOf(b), err
}

func factorContext(ns Namespace, id FactorID) Owner { return Owner{Namespace: ns, Anchor: Anchor(id)} }
