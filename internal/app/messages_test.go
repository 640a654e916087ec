package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
)

// sent is a sign-in text in a locale, as a configuration has it.
func sent(t *testing.T, c config.Config, locale string) string {
	t.Helper()
	composer, err := app.NewComposer(c)
	if err != nil {
		t.Fatal(err)
	}
	code, err := otp.ParseCode("123456", 6)
	if err != nil {
		t.Fatal(err)
	}
	to := otp.Letter{To: otp.NewRecipient(otp.SMS, "to", "to", "t•"), Locale: locale}
	m, err := composer.Compose(otp.PhoneAuth, to, code, 5*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return m.Text
}

func TestMessagesAreWrittenAsTheyAreConfigured(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "de", "phone-auth", "purpose.txt"), "zum Einloggen\n")
	c := config.Default()
	c.Messages.Brand, c.Messages.DefaultLocale, c.Messages.Directory = "Shop", "de", dir
	c.Messages.Origin, c.Messages.AndroidHashes = "shop.example", map[string]string{"add-phone": "FA+9qCX9VSu"}
	if text := sent(t, c, "zh"); text != "123456 ist Ihr Code von Shop zum Einloggen. 5 Min. gültig. Wir fragen nie danach.\n\n@shop.example #123456" {
		t.Error(text)
	}
	write(t, filepath.Join(dir, "de", "phone-auth", "sms.txt"), "{{.Code}} für {{.Params.device}}")
	c.Messages.Params = map[string]string{"device": "Ihr Gerät"}
	if text := sent(t, c, "de"); !strings.HasPrefix(text, "123456 für Ihr Gerät\n") {
		t.Error(text)
	}
	c = config.Default()
	c.Messages.AndroidHash = "FA+9qCX9VSu"
	if text := sent(t, c, "en"); !strings.HasSuffix(text, "\n\nFA+9qCX9VSu") {
		t.Error(text)
	}
}

// secret is a key as an operator would make one.
func secret() string {
	var b [otp.KeySize]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTheFilesOfTheRepositoryHaveTextsThatCostWhatTheyMay(t *testing.T) {
	t.Setenv("ANCHOR_KEY", secret())
	t.Setenv("MASTER_KEY", secret())
	t.Setenv("TWILIO_AUTH_TOKEN", "x")
	t.Setenv("SMTP_PASSWORD", "x")
	for _, file := range []string{"../../deploy/otpipe.toml", "../../cmd/dev/dev.toml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		noHash, ownHash := strings.Repeat("0", 64), hex.EncodeToString(bytes.Repeat([]byte("shop"), 8))
		c, err := config.ParseDev(file, bytes.ReplaceAll(text, []byte(noHash), []byte(ownHash)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := app.NewComposer(c); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if _, err := app.NewComposer(config.Default()); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

func TestNeitherProcessStartsWithMessagesThatCannotBeSent(t *testing.T) {
	t.Parallel()
	typo := t.TempDir()
	write(t, filepath.Join(typo, "de", "default", "smss.txt"), "{{.Code}}")
	log := slog.New(slog.DiscardHandler)
	for what, row := range map[string]struct {
		change func(m *config.Messages)
		says   string
	}{
		"a text too long":          {func(m *config.Messages) { m.Origin = strings.Repeat("a", 60) + ".example.com" }, "allow more in messages.sms_segments"},
		"a brand outside of GSM-7": {func(m *config.Messages) { m.Brand = "Noël" }, "param brand: character 3 of its default, U+00EB 'ë'"},
		"a file with a slip":       {func(m *config.Messages) { m.Directory = typo }, "messages.directory: template de/default/smss.txt: want one of"},
		"a directory not there":    {func(m *config.Messages) { m.Directory = filepath.Join(typo, "none") }, "messages.directory: "},
		"a default not there":      {func(m *config.Messages) { m.DefaultLocale = "ja" }, "messages.default_locale"},
	} {
		c := config.Default()
		c.Keys = config.Keys{Primary: "k", Ring: []config.Key{{ID: "k", Secret: config.NewSecret(secret())}}, Anchor: config.NewSecret(secret())}
		c.API.Listen, c.API.Admin, c.Worker.Admin = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
		row.change(&c.Messages)
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Second) // should one start all the same
		defer stop()
		for name, err := range map[string]error{"api": app.RunAPI(ctx, c, log, app.Reloads{}), "worker": app.RunWorker(ctx, c, log, app.Reloads{})} {
			if err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("%s: the %s says %v, want %s", what, name, err, row.says)
			}
		}
	}
}
