package otp_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/otp"
)

const secretDigits = "482915"

// words is an error as vendors make them: it quotes the request, in a field
// that anybody may read.
type words struct{ Body string }

func (w words) Error() string { return w.Body }

// secret is a value that must not print, and what is in it.
type secret struct {
	name  string
	value any
	plain []string
	shown string // what it prints instead
}

func secrets(t testing.TB) []secret {
	t.Helper()
	k := keysOf(t, "k1=S", "k2=T")
	code, to := codeOf(t, secretDigits), phone(number)
	token, _ := k.TokenOf(k.Owner(otp.PhoneAuth, to, "", 16), code, "nonce")
	master := keyOf(t, "k1=S")
	inKey := []string{strings.Repeat("S", 8)}
	shared := otp.FactorSecretOf([]byte("twenty bytes it is!!"))
	fault := &otp.Fault{
		Class: otp.FaultRecipient, Provider: "twilio-eu", Code: "twilio_21211",
		Err: words{"the number " + number + " cannot be texted " + secretDigits},
	}
	message := otp.Message{
		Order: otp.Order{ID: "VE1", Send: 2}, Attempt: 3, To: to,
		Subject: secretDigits, Text: "Your code: " + secretDigits, HTML: "<b>" + secretDigits + "</b>",
	}
	return []secret{
		{"a code", code, []string{secretDigits}, "••••••"},
		{"a pointer to a code", &code, []string{secretDigits}, "••••••"},
		{"a token", token, []string{token.Reveal(), token.Reveal()[6:]}, "••••••"},
		{"a recipient", to, []string{number, number[1:]}, masked},
		{"a key", master, inKey, "k1"},
		{"a factor's secret", shared, []string{"twenty bytes it is!!", shared.Base32()}, "••••••"},
		{"a message", message, []string{secretDigits, number}, "VE1/2.3"},
		{"a pointer to a message", &message, []string{secretDigits, number}, "VE1/2.3"},
		{"a fault", fault, []string{secretDigits, number}, "twilio-eu: recipient fault twilio_21211"},
	}
}

// held are values that have a secret inside and print something of their own.
func held(t testing.TB) []secret {
	t.Helper()
	master := ringOf(t, "k1=S", "k2=T")
	k := otp.Keys{Digest: master, Fingerprint: master, Seal: master, Session: master, Bounce: master, Anchor: keyOf(t, "anchor=S")}
	inRing := []string{strings.Repeat("S", 8), strings.Repeat("T", 8)}
	return []secret{
		{"a ring", master, inRing, ""},
		{"a pointer to a ring", &master, inRing, ""},
		{"all keys", k, inRing, ""},
		{"a pointer to all keys", &k, inRing, ""},
		{"a letter's address", otp.Letter{To: phone(number)}, []string{number}, ""},
		{"a fault by value", *otp.AsFault("p", words{number}), []string{number}, ""},
	}
}

// told lists the ways in which bytes come out of fmt and the encodings.
func told(plain string) []string {
	b := []byte(plain)
	decimal, goSyntax := fmt.Sprintf("%d", b), fmt.Sprintf("%#v", b)
	return []string{
		plain, hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)), fmt.Sprintf("% x", b),
		strings.Trim(decimal, "[]"), strings.Trim(strings.TrimPrefix(goSyntax, "[]byte"), "{}"),
		base64.StdEncoding.EncodeToString(b[:len(b)/3*3]), base64.RawURLEncoding.EncodeToString(b[:len(b)/3*3]),
	}
}

// silent ends the test if out gives away what is in s.
func silent(t *testing.T, how string, s secret, out string) {
	t.Helper()
	for _, p := range s.plain {
		for _, form := range told(p) {
			if strings.Contains(out, form) {
				t.Fatalf("%s of %s tells it: %.200s", how, s.name, out)
			}
		}
	}
}

var (
	verbs = []string{
		"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "%#x", "%+q", "%#q", "%20v", "%-20s", "%.3s", "%010d", "%T",
	}
	strangeVerbs = []string{"%c", "%U", "%t", "%o", "%b", "%e", "%f", "%g", "%z"}
)

// holders put a value where it is found in the field of somebody else.
var holders = map[string]func(v any) any{
	"itself":   func(v any) any { return v },
	"a slice":  func(v any) any { return []any{v} },
	"a map":    func(v any) any { return map[string]any{"k": v} },
	"a struct": func(v any) any { return struct{ X any }{v} },
	"a deep one": func(v any) any {
		return struct{ X map[string][]any }{map[string][]any{"k": {struct{ Y any }{v}}}}
	},
}

func TestNoVerbPrintsASecret(t *testing.T) {
	t.Parallel()
	for _, s := range slices.Concat(secrets(t), held(t)) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for where, in := range holders {
				for _, verb := range slices.Concat(verbs, strangeVerbs) {
					out := fmt.Sprintf(verb, in(s.value))
					silent(t, verb+" in "+where, s, out)
					if where == "itself" && verb != "%T" && !strings.Contains(out, s.shown) {
						t.Errorf("%s prints %q, want %q in it", verb, out, s.shown)
					}
				}
				silent(t, "Sprint in "+where, s, fmt.Sprint(in(s.value)))
				silent(t, "Sprintln in "+where, s, fmt.Sprintln(in(s.value)))
				silent(t, "an argument too many in "+where, s, fmt.Sprintf(verbs[0], 1, in(s.value)))
			}
		})
	}
}

// fmt does not ask a value's own Format where it lies in an unexported field,
// or where the verb is a mistake: only what it cannot reach by reflection, such
// as the result of a func or what a pointer to a string points to, is safe there.
func TestASecretIsSafeWhereFmtDoesNotAskItsFormat(t *testing.T) {
	t.Parallel()
	for _, s := range secrets(t) {
		switch s.value.(type) {
		case otp.Message, *otp.Message, *otp.Fault:
			continue // what they hold is in exported fields: there is nothing to hide it behind
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			hidden := struct{ x any }{s.value}
			for _, verb := range slices.Concat(verbs, strangeVerbs) {
				silent(t, verb+" in an unexported field", s, fmt.Sprintf(verb, hidden))
			}
			for _, mistake := range []string{"%p", "%w", "%!"} {
				silent(t, mistake, s, fmt.Errorf(mistake, s.value).Error())
				silent(t, "Sprintf "+mistake, s, fmt.Sprintf(mistake, s.value))
			}
		})
	}
}

func TestNoErrorQuotesASecret(t *testing.T) {
	t.Parallel()
	for _, s := range secrets(t) {
		err, ok := s.value.(error)
		if !ok {
			err = fmt.Errorf("with %v, %s, %+v and %#v", s.value, s.value, s.value, s.value)
		}
		for name, wrapped := range map[string]error{
			"itself":      err,
			"Errorf %w":   fmt.Errorf("send: %w", err),
			"Errorf %v":   fmt.Errorf("send: %v", err), //nolint:errorlint // how it prints is the question
			"Errorf two":  fmt.Errorf("%w and %w", err, errors.ErrUnsupported),
			"Join":        errors.Join(err, errors.ErrUnsupported),
			"Join of one": errors.Join(fmt.Errorf("send: %w", err)),
		} {
			silent(t, "Error of "+name, s, wrapped.Error())
			for _, verb := range verbs {
				silent(t, verb+" of "+name, s, fmt.Sprintf(verb, wrapped))
			}
		}
	}
}

func TestNoLogTellsASecret(t *testing.T) {
	t.Parallel()
	for _, s := range slices.Concat(secrets(t), held(t)) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			options := &slog.HandlerOptions{Level: slog.LevelDebug}
			for format, h := range map[string]slog.Handler{"text": slog.NewTextHandler(&b, options), "json": slog.NewJSONHandler(&b, options)} {
				for where, in := range holders {
					b.Reset()
					v := in(s.value)
					l := slog.New(h).With("with", v)
					l.Debug("said", "value", v, slog.Group("group", "value", v))
					if err, ok := s.value.(error); ok {
						l.Error("said", "error", fmt.Errorf("send: %w", err))
					}
					silent(t, format+" in "+where, s, b.String())
					if where == "itself" && !strings.Contains(b.String(), s.shown) {
						t.Errorf("%s logs %s, want %q in it", format, b.String(), s.shown)
					}
				}
			}
		})
	}
}

func TestNothingSecretIsMarshalled(t *testing.T) {
	t.Parallel()
	for _, s := range slices.Concat(secrets(t), held(t)) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for where, in := range holders {
				b, err := json.Marshal(in(s.value))
				silent(t, "JSON in "+where, s, string(b))
				if err != nil {
					silent(t, "JSON's error in "+where, s, err.Error())
				}
				if _, fault := s.value.(error); err == nil && s.shown != "" && !fault {
					t.Errorf("JSON in %s is no error: %s", where, b)
				}
			}
		})
	}
}

const panicWith = "OTP_TEST_PANIC_WITH"

// A panic's text is written by the runtime, so it takes a process to see it.
func TestNoPanicTellsASecret(t *testing.T) {
	t.Parallel()
	for _, s := range secrets(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "-test.run=^TestThisProcessPanics$", "-test.count=1")
			cmd.Env = append(os.Environ(), panicWith+"="+s.name)
			out, err := cmd.CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte("panic: ")) {
				t.Fatalf("no panic: %v\n%s", err, out)
			}
			silent(t, "panic", s, string(out))
		})
	}
}

// TestThisProcessPanics is the process of the test above; by itself it does nothing.
func TestThisProcessPanics(t *testing.T) {
	name := os.Getenv(panicWith)
	if name == "" {
		t.Skip("for another test")
	}
	for _, s := range secrets(t) {
		if s.name == name {
			panic(s.value)
		}
	}
}
