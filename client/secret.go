package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that is not for logs: an API key, a code, the token of a
// session, what binds a code to its browser. It prints as dots and is never marshalled; only Reveal gives it away.
type Secret struct {
	text func() string // fmt reads the fields of somebody else's struct itself; not this
}

const dots = "••••••"

// Hide makes a secret of a text.
func Hide(text string) Secret { return Secret{func() string { return text }} }

// Reveal gives the text away. That of the zero Secret is "".
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return s.text()
}

// Format prints dots whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, dots) }

// LogValue logs dots.
func (s Secret) LogValue() slog.Value { return slog.StringValue(dots) }

// MarshalJSON refuses, so that no token is passed on with an answer it came in.
func (s Secret) MarshalJSON() ([]byte, error) {
	return nil, errors.New("client: a secret is never marshalled")
}

// UnmarshalJSON reads a secret that the API tells.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("client: a secret that is no string") // its value is not repeated
	}
	*s = Hide(text)
	return nil
}
