package config

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Duration is written as "90s", "5m" or "72h".
type Duration time.Duration

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("want a duration such as 90s, 5m or 72h")
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

const redacted = "[redacted]"

// Secret is a value that never prints. It is written as it is, as "file:/path"
// for the content of a file, or as "env:NAME" for a variable of the environment.
type Secret struct{ value string }

// NewSecret makes a secret of a plain value.
func NewSecret(value string) Secret { return Secret{value} }

// UnmarshalText reads it.
func (s *Secret) UnmarshalText(b []byte) error {
	text := string(b)
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("the secret's file cannot be read: %w", err)
		}
		s.value = strings.TrimRight(string(content), "\r\n")
		return nil
	}
	if name, ok := strings.CutPrefix(text, "env:"); ok {
		value, set := os.LookupEnv(name)
		if !set {
			return fmt.Errorf("the environment has no variable %s", name)
		}
		s.value = value
		return nil
	}
	s.value = text
	return nil
}

// Reveal gives the value away.
func (s Secret) Reveal() string { return s.value }

// Set tells whether there is a value.
func (s Secret) Set() bool { return s.value != "" }

// Format prints that there is something, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue logs the same.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText writes the same.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
