package config_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/config"
)

// listening changes how the API is listened on.
func listening(t *testing.T, change func(*config.Config)) config.Config {
	t.Helper()
	c := parse(t, good)
	change(&c)
	return c
}

func TestACertificateThatCannotBeUsedIsRefused(t *testing.T) {
	t.Parallel()
	cert, key := certificateFiles(t)
	_, another := certificateFiles(t)
	for name, row := range map[string]struct {
		tls   config.TLS
		where string
	}{
		"a certificate alone":            {config.TLS{Cert: cert}, ".cert: "},
		"a key alone":                    {config.TLS{Key: key}, ".cert: "},
		"authorities alone":              {config.TLS{ClientCA: cert}, ".cert: "},
		"another's key":                  {config.TLS{Cert: cert, Key: another}, ".cert: "},
		"authorities that are a key":     {config.TLS{Cert: cert, Key: key, ClientCA: key}, ".client_ca: "},
		"authorities that are not there": {config.TLS{Cert: cert, Key: key, ClientCA: cert + "x"}, ".client_ca: "},
	} {
		for setting, change := range map[string]func(*config.Config){
			"api.tls":          func(c *config.Config) { c.API.TLS = row.tls },
			"api.admin_tls":    func(c *config.Config) { c.API.AdminTLS = row.tls },
			"support.tls":      func(c *config.Config) { c.Support.TLS = row.tls },
			"worker.admin_tls": func(c *config.Config) { c.Worker.AdminTLS = row.tls },
		} {
			err := listening(t, change).Check()
			if err == nil || !strings.HasPrefix(err.Error(), setting+row.where) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: got %v, want one complaint about %s", name, err, setting+row.where)
			}
		}
	}
	whole := config.TLS{Cert: cert, Key: key, ClientCA: cert}
	if err := listening(t, func(c *config.Config) { c.API.TLS, c.Support.TLS = whole, whole }).Check(); err != nil {
		t.Error(err)
	}
}

func TestACertificateThatClientsWillRefuseIsWarnedOf(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		left time.Duration
		host string
		says string
	}{
		"good":            {30 * 24 * time.Hour, "otp.example.com", ""},
		"of any name":     {30 * 24 * time.Hour, "*.example.com", ""},
		"it ends soon":    {24 * time.Hour, "otp.example.com", "api.tls.cert: it expires on "},
		"it has ended":    {-time.Hour, "otp.example.com", "api.tls.cert: it expired on "},
		"of another name": {30 * 24 * time.Hour, "otp.example.org", "api.tls.cert: it is not for otp.example.com"},
	} {
		private := ed25519Key(t)
		about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, DNSNames: []string{row.host}, NotAfter: time.Now().Add(row.left)}
		der, err := x509.CreateCertificate(nil, about, about, private.Public(), private)
		if err != nil {
			t.Fatal(err)
		}
		tls := config.TLS{Cert: write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))), Key: write(t, inPEM(t, private))}
		warnings := listening(t, func(c *config.Config) { c.API.TLS = tls }).Warnings()
		warnings = slices.DeleteFunc(warnings, func(w string) bool { return !strings.HasPrefix(w, "api.tls.") })
		switch {
		case row.says == "" && len(warnings) > 0, row.says != "" && (len(warnings) != 1 || !strings.HasPrefix(warnings[0], row.says)):
			t.Errorf("%s: %q", name, warnings)
		}
	}
}

func TestSupportPagesWithACertificateAreReachedByTLS(t *testing.T) {
	t.Parallel()
	s := config.Support{Listen: "127.0.0.1:1", TLS: config.TLS{Cert: "c", Key: "k"}}
	if got := s.URL(); got != "https://127.0.0.1:1" {
		t.Error(got)
	}
}
