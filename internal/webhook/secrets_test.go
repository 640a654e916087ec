package webhook_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/webhook"
)

func TestASecretThatAnybodyCouldGuessIsRefused(t *testing.T) {
	t.Parallel()
	random := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), n)) }
	for text, ok := range map[string]bool{
		"": false, "whsec_": false, random(23): false, random(24): true, "whsec_" + random(32): true, random(64): true, random(65): false,
		"whsec_not base64": false, "WHSEC_" + random(32): false,
	} {
		_, err := webhook.NewSecrets(secret, text)
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && len(text) > len("whsec_") && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("the error quotes %q", text)
		}
	}
}

// printed is everything that printing and logging make of a value.
func printed(v any) string {
	var all bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		_, _ = fmt.Fprintf(&all, verb+"\n", v)
	}
	slog.New(slog.NewTextHandler(&all, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&all, nil)).Info("x", "v", v)
	return all.String()
}

func wantNoSecret(t *testing.T, what, said string) {
	t.Helper()
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	for _, one := range []string{secret, secret[6:], string(key), fmt.Sprintf("%x", key), fmt.Sprintf("%d", key[:8]), token, number[1:], code} {
		if strings.Contains(said, one) {
			t.Errorf("%s tells %q: %.300s", what, one, said)
		}
	}
}

func TestNothingPrintsWhatIsSecret(t *testing.T) {
	t.Parallel()
	p := provider(t, "https://gateway.example/?token="+token)
	rc := webhook.Receipts{AccountName: "gateway", Secrets: p.Secrets, Now: time.Now}
	for _, v := range []any{p, &p, rc, &rc, p.Secrets, struct{ S any }{p.Secrets}} {
		wantNoSecret(t, fmt.Sprintf("%T", v), printed(v))
		if _, err := json.Marshal(v); err == nil {
			t.Errorf("%T can be marshalled", v)
		}
	}
}

func TestNoFaultTellsWhatIsSecret(t *testing.T) {
	t.Parallel()
	var all []error
	for _, status := range []int{302, 400, 401, 422, 429, 500, 503} {
		for _, body := range []string{text + number + token, `{"fault":"` + number + `"}`} {
			_, err := answering(t, status, body, "Location", "http://127.0.0.1/"+code+number).Send(t.Context(), message())
			all = append(all, err)
		}
	}
	for _, url := range []string{"http://127.0.0.1:1/" + token, "http://[/" + token} {
		_, err := provider(t, url).Send(t.Context(), message())
		all = append(all, err)
	}
	for _, err := range all {
		f, ok := errors.AsType[*otp.Fault](err)
		if !ok {
			t.Fatalf("%v", err)
		}
		wantNoSecret(t, "a fault", printed(err)+f.Code)
	}
}
