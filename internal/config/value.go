package config

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"time"
)

// valueError says what is wrong with a value without quoting it.
type valueError string

// valueMark stands before our own words in a decoder's.
const valueMark = "value: "

func (e valueError) Error() string { return valueMark + string(e) }

// Duration is written as "90s", "5m" or "72h".
type Duration time.Duration

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return valueError("want a duration such as 90s, 5m or 72h")
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

const redacted = "[redacted]"

// Secret is a value that never prints. It is written as it is, as "file:/path"
// for the content of a file, or as "env:NAME" for a variable of the environment.
//
// The value lies in a closure: fmt reads unexported fields without asking them.
type Secret struct{ value func() string }

// NewSecret makes a secret of a plain value.
func NewSecret(value string) Secret { return Secret{func() string { return value }} }

// UnmarshalText reads it.
func (s *Secret) UnmarshalText(b []byte) error {
	text := string(b)
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		content, err := secretFile(path)
		if err != nil {
			return err
		}
		text = content
	} else if name, ok := strings.CutPrefix(text, "env:"); ok {
		value, set := os.LookupEnv(name)
		if !set {
			return valueError("the environment has no variable " + variable(name))
		}
		text = value
	}
	*s = NewSecret(text)
	return nil
}

var variableForm = regexp.MustCompile(`^[A-Z][A-Z_]{0,63}$`)

// variable is a name that may be said: what does not look like one may be a secret.
func variable(name string) string {
	if !variableForm.MatchString(name) {
		return "of this name"
	}
	return name
}

// Reveal gives the value away.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return s.value()
}

// Set tells whether there is a value.
func (s Secret) Set() bool { return s.Reveal() != "" }

// Format prints that there is something, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue logs the same.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText writes the same.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
