package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/redistest"
)

// TestCheckReachesARedisOfEveryForm asks -check about servers as URLs of every form
// name them, rightly and wrongly.
func TestCheckReachesARedisOfEveryForm(t *testing.T) {
	t.Parallel()
	durable := []string{"--appendonly", "yes"}
	r := newRig(t, durable...)
	w := redistest.StartWatched(t, 1, durable...)
	if err := w.Client(t).ACLSetUser(t.Context(), "otpipe", append([]string{"on", ">sesame"}, redistest.Rules(t, "otpipe-worker")...)...).Err(); err != nil {
		t.Fatal(err)
	}
	c := redistest.StartCluster(t)
	files, addr := secured(t, "no", durable...)
	ours, strict := secured(t, "yes", durable...)
	_, number, _ := strings.Cut(addr, ":")
	single, sentinels, nodes := "redis://"+r.redis.Addr()+"/0", strings.Join(w.Addrs(), ","), strings.Join(c.Addrs(), ",")
	for name, q := range map[string]struct {
		url, queue string
		code       int
		says       []string
	}{
		"sentinels": {"redis+sentinel://otpipe:sesame@" + sentinels + "/otpipe/0", "", 0, []string{
			"redis       otpipe/0 by the sentinels " + w.Addrs()[0], "redis answers, and agrees",
		}},
		"sentinels and another password": {"redis+sentinel://otpipe:open-up@" + sentinels + "/otpipe", "", 78, []string{"redis.url: this Redis wants another user or password"}},
		"sentinels of another master":    {"redis+sentinel://otpipe:sesame@" + sentinels + "/other", "", 78, []string{"redis.url: these sentinels know no master of this name"}},
		"no sentinels":                   {"redis+sentinel://otpipe:sesame@" + port(t) + "/otpipe", "", 69, []string{"redis.url: Redis does not answer"}},
		"a cluster": {"redis+cluster://" + nodes, single, 0, []string{
			"redis       the cluster of " + c.Addrs()[0], "queue in " + r.redis.Addr() + "/0",
			"warning: redis.url at " + c.Addrs()[0] + ": appendonly is off", "warning: redis.url at " + c.Addrs()[2] + ": appendonly is off",
			"redis answers, and agrees",
		}},
		"a cluster without a queue":         {"redis+cluster://" + nodes, "redis+cluster://" + nodes, 78, []string{"redis.queue_url: want a Redis of the queue's own"}},
		"a node of a cluster":               {"redis://" + c.Addrs()[1], single, 78, []string{"redis.url: this Redis is a node of a cluster: want redis+cluster://"}},
		"a cluster that is none":            {"redis+cluster://" + r.redis.Addr(), single, 78, []string{"redis.url: this Redis is no cluster: want redis://"}},
		"TLS":                               {"rediss://" + addr + "?ca_file=" + files.ca, "", 0, []string{addr + "/0 with TLS", "redis answers, and agrees"}},
		"TLS of nobody knows whom":          {"rediss://" + addr, "", 78, []string{"redis.url: this Redis cannot be trusted", "unknown authority"}},
		"TLS without a certificate of ours": {"rediss://" + strict + "?ca_file=" + ours.ca, "", 78, []string{"redis.url: this Redis does not trust us", "certificate required"}},
		"TLS by another authority":          {"rediss://" + addr + "?ca_file=" + ours.ca, "", 78, []string{"redis.url: this Redis cannot be trusted", "want its authority in ca_file"}},
		"TLS of another name":               {"rediss://localhost:" + number + "?ca_file=" + files.ca, "", 78, []string{"redis.url: this Redis cannot be trusted", "to match localhost"}},
		"TLS with a certificate of nobody's": {"rediss://" + strict + "?ca_file=" + ours.ca + "&cert_file=" + files.certificate + "&key_file=" + files.key, "", 78, []string{
			"redis.url: this Redis does not trust us", "in cert_file and key_file",
		}},
		"no TLS where it is wanted":   {"redis://" + addr, "", 69, []string{"redis.url: Redis closes the connection", "want rediss://"}},
		"TLS that is trusted blindly": {"rediss://" + addr + "?skip_verify=true", "", 0, []string{"redis answers, and agrees"}},
		"TLS with a certificate of ours": {"rediss://" + strict + "?ca_file=" + ours.ca + "&cert_file=" + ours.certificate + "&key_file=" + ours.key, "", 0, []string{
			"redis answers, and agrees",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if q.queue == "" {
				q.queue = q.url
			}
			path := r.write(settings{Admin: ":9090", RedisURL: q.url, QueueURL: q.queue})
			code, out := command(t, "worker", "-check", "-config", path)
			for range 5 {
				if code == q.code || !strings.Contains(out, "i/o timeout") && !strings.Contains(out, "deadline exceeded") { // a busy machine
					break
				}
				code, out = command(t, "worker", "-check", "-config", path)
			}
			if code != q.code {
				t.Errorf("it ended with %d, want %d", code, q.code)
			}
			for _, says := range q.says {
				if !strings.Contains(out, says) {
					t.Errorf("it does not say %q", says)
				}
			}
			if strings.Contains(out, "sesame") || strings.Contains(out, "open-up") {
				t.Error("it tells the password")
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// TestCodesGoTheirWayByARedisThatWantsCertificates has both processes, and asynq in
// them, show a certificate.
func TestCodesGoTheirWayByARedisThatWantsCertificates(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	files, addr := secured(t, "yes")
	s := settings{RedisURL: "rediss://" + addr + "/1?ca_file=" + files.ca + "&cert_file=" + files.certificate + "&key_file=" + files.key}
	s.QueueURL = s.RedisURL
	a := r.startAPI(s)
	r.startWorker(s)
	to := r.phone()
	a.start(t, "load", to)
	if got := a.check(t, "load", to, r.code(to, 20*time.Second)); !got.Valid {
		t.Errorf("check: %+v", got)
	}
}

// pemFiles are an authority's certificate, and a certificate by it with its key.
type pemFiles struct{ ca, certificate, key string }

// secured is a redis-server that speaks TLS at addr, and asks its clients for a
// certificate: "no" or "yes".
func secured(t *testing.T, asks string, args ...string) (files pemFiles, addr string) {
	t.Helper()
	files, addr = certify(t), port(t)
	_, number, _ := net.SplitHostPort(addr)
	redistest.Start(t, append(args, "--tls-port", number, "--tls-auth-clients", asks,
		"--tls-ca-cert-file", files.ca, "--tls-cert-file", files.certificate, "--tls-key-file", files.key)...)
	return files, addr
}

func certify(t *testing.T) pemFiles {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "redis"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	dir := t.TempDir()
	file := func(name, kind string, der []byte, err error) string {
		if err == nil {
			err = os.WriteFile(dir+"/"+name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return dir + "/" + name
	}
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, key.Public(), key)
	ca := file("ca.pem", "CERTIFICATE", root, err)
	leaf, err := x509.CreateCertificate(rand.Reader, server, authority, key.Public(), key)
	certificate := file("server.pem", "CERTIFICATE", leaf, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	return pemFiles{ca, certificate, file("key.pem", "PRIVATE KEY", private, err)}
}
