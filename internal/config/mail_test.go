package config_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

// inPEM writes a private key as openssl does.
func inPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ed25519Key(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// mailing is the good file with other settings of its relay.
func mailing(t *testing.T, change func(*config.SMTP)) config.Config {
	t.Helper()
	c := parse(t, good)
	change(&c.Providers[1].SMTP)
	return c
}

func TestADKIMKeyIsReadInEveryFormThatOpensslWrites(t *testing.T) {
	t.Parallel()
	long, short := rsaKey(t, 2048), ed25519Key(t)
	old := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(long)}))
	for _, text := range []string{inPEM(t, long), old} {
		got, err := config.DKIM{Key: config.NewSecret(text)}.Signer()
		if err != nil || !long.PublicKey.Equal(got.Public()) {
			t.Errorf("an RSA key: got %T, %v", got, err)
		}
	}
	got, err := config.DKIM{Key: config.NewSecret(inPEM(t, short))}.Signer()
	if err != nil || !short.Public().(ed25519.PublicKey).Equal(got.Public()) {
		t.Errorf("an Ed25519 key: got %T, %v", got, err)
	}
}

func TestWhatIsWrongAboutMailIsSaidWithoutTheKey(t *testing.T) {
	t.Parallel()
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fine := config.DKIM{Selector: "otp1", Key: config.NewSecret(inPEM(t, ed25519Key(t)))}
	with := func(change func(*config.DKIM)) func(*config.SMTP) {
		return func(s *config.SMTP) { d := fine; change(&d); s.DKIM = []config.DKIM{fine, d} }
	}
	keyed := func(text string) func(*config.SMTP) {
		return with(func(d *config.DKIM) { d.Key = config.NewSecret(text) })
	}
	broken := strings.Replace(inPEM(t, rsaKey(t, 2048)), "M", "N", 1)
	const key, where = "providers[1].smtp.dkim[1].key", "providers[1].smtp"
	for name, c := range map[string]struct {
		change func(*config.SMTP)
		where  string
	}{
		"no key":                   {keyed(""), key},
		"a key of no form":         {keyed("MIICdQIBADANBg"), key},
		"a key that is broken":     {keyed(broken), key},
		"a key of a curve":         {keyed(inPEM(t, curve)), key},
		"an RSA key too short":     {keyed(inPEM(t, rsaKey(t, 1024))), key},
		"no selector":              {with(func(d *config.DKIM) { d.Selector = "" }), where + ".dkim[1].selector"},
		"a selector of spaces":     {with(func(d *config.DKIM) { d.Selector = "a b" }), where + ".dkim[1].selector"},
		"a tag in a selector":      {with(func(d *config.DKIM) { d.Selector = "a;d=evil" }), where + ".dkim[1].selector"},
		"another domain form":      {with(func(d *config.DKIM) { d.Domain = "exam ple.com" }), where + ".dkim[1].domain"},
		"a domain too long":        {with(func(d *config.DKIM) { d.Domain = strings.Repeat("a", 60) + "." + strings.Repeat("b", 11) }), where + ".dkim[1].domain"},
		"a bounce mailbox":         {func(s *config.SMTP) { s.BounceDomain = "bounce@example.com" }, where + ".bounce_domain"},
		"a bounce domain in ü":     {func(s *config.SMTP) { s.BounceDomain = "bücher.example" }, where + ".bounce_domain"},
		"a bounce domain too long": {func(s *config.SMTP) { s.BounceDomain = strings.Repeat("a.", 95) + "example" }, where + ".bounce_domain"},
		"two senders":              {func(s *config.SMTP) { s.From = "a@example.com, b@example.com" }, where + ".from"},
		"a sender in ü":            {func(s *config.SMTP) { s.From = "otp@bücher.example" }, where + ".from"},
		"a header in a sender":     {func(s *config.SMTP) { s.From = "otp@example.com\r\nBcc: eve@example.org" }, where + ".from"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conf := mailing(t, c.change)
			err := conf.Check()
			if err == nil || !strings.HasPrefix(err.Error(), c.where) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, want one complaint about %s", err, c.where)
			}
			silent(t, "the complaint", err.Error(), secretTexts(conf))
		})
	}
	whole := mailing(t, func(s *config.SMTP) {
		s.DKIM, s.BounceDomain = []config.DKIM{fine, {Selector: "a.b-2", Domain: "mail.example.com", Key: fine.Key}}, "bounce.example.com"
		s.From = `"Ünïcode, GmbH" <otp@example.com>`
	})
	if err := whole.Check(); err != nil {
		t.Error(err)
	}
}

// secretTexts are the secrets of a configuration, line by line: PEM has its own.
func secretTexts(c config.Config) (all []string) {
	for _, s := range secretsOf(c) {
		for line := range strings.Lines(s.Reveal()) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "-----") {
				all = append(all, line)
			}
		}
	}
	return all
}

func TestADKIMKeyComesFromAFileAndFromTheEnvironment(t *testing.T) {
	key := inPEM(t, ed25519Key(t))
	path := filepath.Join(t.TempDir(), "dkim.pem")
	if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(good, "[routes]", "bounce_domain = \"bounce.example.com\"\n[[providers.smtp.dkim]]\nselector = \"otp1\"\nkey = \"file:"+path+"\"\n\n[routes]", 1)
	got := parse(t, text).Providers[1].SMTP
	if len(got.DKIM) != 1 || got.DKIM[0].Key.Reveal()+"\n" != key || got.BounceDomain != "bounce.example.com" {
		t.Errorf("from a file: got %+v", got)
	}
	t.Setenv("OTPIPE_PROVIDERS_1_SMTP_BOUNCE_DOMAIN", "b.example.com")
	t.Setenv("OTPIPE_PROVIDERS_1_SMTP_DKIM_0_SELECTOR", "otp2")
	t.Setenv("OTPIPE_PROVIDERS_1_SMTP_DKIM_0_KEY", key)
	for _, file := range []string{text, good} {
		got = parse(t, file).Providers[1].SMTP
		if len(got.DKIM) != 1 || got.DKIM[0].Selector != "otp2" || got.DKIM[0].Key.Reveal() != key || got.BounceDomain != "b.example.com" {
			t.Errorf("from the environment: got %+v", got)
		}
	}
}
