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

// certificate makes a self-signed one with its key, both in PEM.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private := ed25519Key(t)
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bounce.example.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(nil, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), inPEM(t, private)
}

func certificateFiles(t *testing.T) (cert, key string) {
	t.Helper()
	cert, key = certificate(t)
	return write(t, cert), write(t, key)
}

func TestWhatIsWrongAboutBouncesIsSaidWithoutTheKey(t *testing.T) {
	t.Parallel()
	cert, key := certificateFiles(t)
	_, another := certificateFiles(t)
	tls := func(cert, key string) func(*config.Worker) {
		return func(w *config.Worker) { w.BouncesCert, w.BouncesKey = cert, key }
	}
	for name, c := range map[string]struct {
		change func(*config.Worker)
		where  string
	}{
		"no port":                  {func(w *config.Worker) { w.Bounces = "127.0.0.1" }, "worker.bounces: "},
		"a port of a name":         {func(w *config.Worker) { w.Bounces = ":smtp" }, "worker.bounces: "},
		"the port of health":       {func(w *config.Worker) { w.Bounces = ":9091" }, "worker.bounces: "},
		"a certificate alone":      {tls(cert, ""), "worker.bounces_cert: "},
		"a key alone":              {tls("", key), "worker.bounces_cert: "},
		"another's key":            {tls(cert, another), "worker.bounces_cert: "},
		"one for the other":        {tls(key, cert), "worker.bounces_cert: "},
		"a file that is not there": {tls(cert+"x", key), "worker.bounces_cert: "},
		"a certificate of words":   {tls(write(t, "canary-of-the-certificate"), key), "worker.bounces_cert: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conf := mailing(t, func(*config.SMTP) {})
			conf.Worker.Bounces, conf.Worker.Admin = ":2525", "127.0.0.1:9091"
			c.change(&conf.Worker)
			err := conf.Check()
			if err == nil || !strings.HasPrefix(err.Error(), c.where) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, want one complaint about %s", err, c.where)
			}
			silent(t, "the complaint", err.Error(), append(secretTexts(conf), "canary"))
		})
	}
}

func TestBouncesAreTakenWithAndWithoutTLS(t *testing.T) {
	t.Parallel()
	conf := mailing(t, func(*config.SMTP) {})
	conf.Worker.Bounces = ":2525"
	if err := conf.Check(); conf.Worker.BouncesFiles().On() || err != nil {
		t.Errorf("without: %v", err)
	}
	conf.Worker.BouncesCert, conf.Worker.BouncesKey = certificateFiles(t)
	if err := conf.Check(); !conf.Worker.BouncesFiles().On() || err != nil {
		t.Errorf("with: %v", err)
	}
	for _, at := range []string{"", "127.0.0.1:0", "[::1]:25"} {
		conf.Worker.Admin, conf.Worker.Bounces = "127.0.0.1:0", at
		if err := conf.Check(); err != nil {
			t.Errorf("%q: %v", at, err)
		}
	}
}

func TestHalfOfWhatBouncesNeedIsWarnedOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		domain, at string
		want       int
	}{{"", "", 0}, {"bounce.example.com", ":2525", 0}, {"bounce.example.com", "", 1}, {"", ":2525", 1}} {
		conf := mailing(t, func(s *config.SMTP) { s.BounceDomain = c.domain })
		conf.Worker.Bounces = c.at
		warnings := slices.DeleteFunc(conf.Warnings(), func(w string) bool { return !strings.HasPrefix(w, "worker.bounces: ") })
		if len(warnings) != c.want {
			t.Errorf("domain %q, listening at %q: %q", c.domain, c.at, warnings)
		}
	}
}
