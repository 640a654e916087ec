package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/config"
)

// reached is where a URL leads, in a line.
func reached(t *testing.T, url string) string {
	t.Helper()
	o, err := config.Redis{URL: config.NewSecret(url)}.State()
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return fmt.Sprintf("%s by %q %q db %d master %q by %q %q cluster %t tls %t", strings.Join(o.Addrs, " "), o.Username, o.Password, o.DB,
		o.MasterName, o.SentinelUsername, o.SentinelPassword, o.IsClusterMode, o.TLSConfig != nil)
}

func TestARedisURLLeadsToOneServerToSentinelsOrToACluster(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"redis://h":                  `h:6379 by "" "" db 0 master "" by "" "" cluster false tls false`,
		"redis://[::1]:1/":           `[::1]:1 by "" "" db 0 master "" by "" "" cluster false tls false`,
		"redis://:p%40w@h:1/3":       `h:1 by "" "p@w" db 3 master "" by "" "" cluster false tls false`,
		"rediss://u:p@h:1":           `h:1 by "u" "p" db 0 master "" by "" "" cluster false tls true`,
		"redis+sentinel://a,b:1/m":   `a:26379 b:1 by "" "" db 0 master "m" by "" "" cluster false tls false`,
		"redis+sentinel://a:1/m/2":   `a:1 by "" "" db 2 master "m" by "" "" cluster false tls false`,
		"rediss+sentinel://a:1/m/2/": `a:1 by "" "" db 2 master "m" by "" "" cluster false tls true`,
		"redis+sentinel://u:p@a:1,b:2,c:3/m/0?sentinel_username=s&sentinel_password=t": `a:1 b:2 c:3 by "u" "p" db 0 master "m" by "s" "t" cluster false tls false`,
		"redis+cluster://a":                     `a:6379 by "" "" db 0 master "" by "" "" cluster true tls false`,
		"redis+cluster://u:p@a:1,[::2]:2,c:3/":  `a:1 [::2]:2 c:3 by "u" "p" db 0 master "" by "" "" cluster true tls false`,
		"rediss+cluster://a:1?skip_verify=true": `a:1 by "" "" db 0 master "" by "" "" cluster true tls true`,
	} {
		if got := reached(t, url); got != want {
			t.Errorf("%s:\n got %s\nwant %s", url, got, want)
		}
	}
}

func TestARedisURLThatLeadsNowhereIsRefusedWithoutBeingQuoted(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"redis://":                                                    "host:port",
		"redis://u:canary@":                                           "host:port",
		"redis://u:canary@:6379":                                      "host:port",
		"redis://u:canary@h:0":                                        "host:port",
		"redis://u:canary@h:99999":                                    "host:port",
		"redis+cluster://u:canary@a,,b":                               "host:port",
		"redis://u:canary@a,b":                                        "want one host",
		"redis://u:canary@h/canary":                                   "number of the database",
		"redis://u:canary@h/-1":                                       "number of the database",
		"redis://u:canary@h/1/2":                                      "number of the database",
		"redis+sentinel://u:canary@h":                                 "name that the sentinels know",
		"redis+sentinel://u:canary@h/":                                "name that the sentinels know",
		"redis+sentinel://u:canary@h:26379/0":                         "name that the sentinels know",
		"redis+sentinel://u:canary@h/m/canary":                        "number of the database",
		"redis+cluster://u:canary@h/1":                                "no numbered databases",
		"redis+canary://u:canary@h":                                   "want redis://",
		"unix://u:canary@h":                                           "want redis://",
		"redis://u:canary@h?read_timeout=1s":                          "no parameter but",
		"redis://u:canary@h?canary":                                   "no parameter but",
		"redis://u:canary@h?sentinel_password=canary":                 "no parameter but",
		"redis://u:canary@h?skip_verify=true":                         "no parameter but",
		"rediss://u:canary@h?skip_verify=canary":                      "true or false",
		"rediss://u:canary@h?skip_verify=true&ca_file=/canary":        "file of certificates",
		"rediss+sentinel://u:canary@h/m?cert_file=/canary":            "cert_file and key_file",
		"rediss+cluster://u:canary@h?ca_file=/canary&ca_file=/canary": "no parameter but",
	} {
		c := parse(t, good)
		c.Redis.URL = config.NewSecret(url)
		err := c.Check()
		if err == nil || !strings.HasPrefix(err.Error(), "redis.url: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: it is quoted: %v", url, err)
		}
	}
}

func TestAFileOfAuthoritiesHoldsCertificates(t *testing.T) {
	t.Parallel()
	url := func(path string) config.Redis {
		return config.Redis{URL: config.NewSecret("rediss://h?ca_file=" + path)}
	}
	if _, err := url(write(t, "canary")).State(); err == nil || !strings.Contains(err.Error(), "ca_file") {
		t.Errorf("no certificate: %v", err)
	}
	ours, key := selfSigned(t)
	o, err := url(write(t, ours)).State()
	if err != nil || o.TLSConfig.RootCAs == nil {
		t.Fatalf("a certificate: %v", err)
	}
	o, err = config.Redis{URL: config.NewSecret("rediss://h?cert_file=" + write(t, ours) + "&key_file=" + write(t, key))}.State()
	if err != nil || len(o.TLSConfig.Certificates) != 1 || o.TLSConfig.RootCAs != nil || o.TLSConfig.InsecureSkipVerify {
		t.Fatalf("our own certificate: %v", err)
	}
}

// selfSigned is a certificate and its key in PEM.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{}, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return block("CERTIFICATE", der), block("PRIVATE KEY", private)
}

func TestTheQueueLiesInTheSameRedisUnlessItHasItsOwn(t *testing.T) {
	t.Parallel()
	r := config.Default().Redis
	for _, want := range []string{"127.0.0.1:6379", "queue:6379"} {
		if o, err := r.Queue(); err != nil || o.Addrs[0] != want {
			t.Fatalf("it lies in %v, %v, want %s", o, err, want)
		}
		r.QueueURL = config.NewSecret("redis://queue:6379")
	}
}

func TestTheQueueLiesInNoCluster(t *testing.T) {
	t.Parallel()
	for queue, fits := range map[string]bool{
		"": false, "redis+cluster://q:1": false, "redis://q:1": true, "redis+sentinel://s:1/m": true,
	} {
		c := parse(t, good)
		c.Limits, c.Destinations.DailySpend, c.TollGuard.Mode = nil, nil, "off"
		c.Redis = config.Redis{URL: config.NewSecret("redis+cluster://c:1"), QueueURL: config.NewSecret(queue)}
		err := c.Check()
		if fits && err != nil || !fits && (err == nil || !strings.HasPrefix(err.Error(), "redis.queue_url: want a Redis of the queue's own")) {
			t.Errorf("state in a cluster, queue in %q: %v", queue, err)
		}
	}
}
