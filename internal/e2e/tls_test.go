package e2e_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// listen is the configuration of a table that listens with these files.
func (f pemFiles) listen(table string) string {
	return fmt.Sprintf("[%s]\ncert = %q\nkey = %q\n", table, f.certificate, f.key)
}

// mutual also asks clients for a certificate of the same authority.
func (f pemFiles) mutual(table string) string {
	return f.listen(table) + fmt.Sprintf("client_ca = %q\n", f.ca)
}

// client trusts the authority and shows the certificate.
func (f pemFiles) client(t *testing.T, shows bool) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(f.ca)
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{RootCAs: x509.NewCertPool(), NextProtos: []string{"h2", "http/1.1"}}
	c.RootCAs.AppendCertsFromPEM(ca)
	if shows {
		pair, err := tls.LoadX509KeyPair(f.certificate, f.key)
		if err != nil {
			t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c
}

// startSecureAPI starts an api that speaks TLS, with a client of it.
func (r *rig) startSecureAPI(t *testing.T, files pemFiles, s settings) api {
	t.Helper()
	s.Listen = port(t)
	a := r.startAPI(s)
	a.base = "https://" + s.Listen
	a.http.Transport = &http.Transport{TLSClientConfig: files.client(t, true), ForceAttemptHTTP2: true}
	return a
}

// TestTheJobIsDoneOverTLSForThoseWhoMayCome also exchanges the certificate under way.
func TestTheJobIsDoneOverTLSForThoseWhoMayCome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	files := certify(t)
	a := r.startSecureAPI(t, files, settings{More: namespaces + files.mutual("api.tls")})
	s := settings{More: namespaces + files.mutual("worker.admin_tls"), Admin: port(t)}
	w := r.launchWorker(s)
	eventually(t, 20*time.Second, "the worker is ready, as itself finds", func() bool {
		code, _ := command(t, "worker", "-config", r.write(s), "-ready")
		return code == 0
	})
	to := r.phone()
	got := a.ask("load", to)
	if got.status != http.StatusAccepted || got.header.Get("Strict-Transport-Security") == "" {
		t.Fatalf("start: %v %v", got, got.header)
	}
	if c := a.check(t, "load", to, r.code(to, 10*time.Second)); !c.Valid {
		t.Errorf("check: %+v", c)
	}
	for name, addr := range map[string]string{"the api": strings.TrimPrefix(a.base, "https://"), "the worker's health": w.admin} {
		for what, c := range map[string]*tls.Config{"nobody": files.client(t, false), "a stranger": certify(t).client(t, true)} {
			c.InsecureSkipVerify = true
			nobody := &http.Client{Transport: &http.Transport{TLSClientConfig: c}, Timeout: 5 * time.Second}
			if res, err := nobody.Get("https://" + addr + "/readyz"); err == nil {
				_ = res.Body.Close()
				t.Errorf("%s lets %s in: %s", name, what, res.Status)
			}
		}
	}
	if status, body := page("http://" + strings.TrimPrefix(a.base, "https://") + "/docs"); status != http.StatusBadRequest {
		t.Errorf("without TLS: %d %s", status, body)
	}

	next := certify(t)
	for from, to := range map[string]string{next.certificate: files.certificate, next.key: files.key} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !a.reload(t) {
		t.Fatal(a.tail())
	}
	trusting := next.client(t, true)
	trusting.Certificates = a.http.Transport.(*http.Transport).TLSClientConfig.Certificates // whom it knew
	a.http.Transport = &http.Transport{TLSClientConfig: trusting, ForceAttemptHTTP2: true}
	a.start(t, "load", r.phone())
	if _, metrics := a.fetch("/metrics"); !strings.Contains(metrics, `otpipe_certificate_expires_timestamp_seconds{listener="public"}`) {
		t.Error("the metrics do not say when the certificate ends")
	}
}

// TestSlowClientsOfHTTP2AreHungUpOnAndHoldNobodyUp is for HTTP/2 what
// TestClientsThatNeverFinishAreHungUpOnAndHoldNobodyUp is for HTTP/1.1.
func TestSlowClientsOfHTTP2AreHungUpOnAndHoldNobodyUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	files := certify(t)
	a := r.startSecureAPI(t, files, settings{More: namespaces + files.listen("api.tls")})
	r.startWorker(settings{})
	var slow []net.Conn
	for range 50 {
		plain, handshake := dial(t, strings.TrimPrefix(a.base, "https://"), ""), dial(t, strings.TrimPrefix(a.base, "https://"), "\x16\x03\x01")
		silent, _ := r.http2(t, a, files)
		inHeaders, f := r.http2(t, a, files)
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: headers("POST", "/v1/verifications")})
		slow = append(slow, plain, handshake, silent, inHeaders)
	}
	_, f := r.http2(t, a, files)
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: headers("POST", "/v1/verifications"), EndHeaders: true})
	_ = f.WriteData(1, false, []byte(`{"namespace":`))
	a.start(t, "load", r.phone())
	if answer := statusOf(f, 1); !slices.Contains([]string{"400", "408", "reset", "gone"}, answer) {
		t.Errorf("a body that never ends is answered %s", answer)
	}
	for i, c := range slow {
		if !hungUp(c) {
			t.Fatalf("connection %d is still open after a minute", i)
		}
	}
}

// http2 opens a connection by hand.
func (r *rig) http2(t *testing.T, a api, files pemFiles) (net.Conn, *http2.Framer) {
	t.Helper()
	c := tls.Client(dial(t, strings.TrimPrefix(a.base, "https://"), ""), withName(files.client(t, true)))
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	f := http2.NewFramer(c, c)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return c, f
}

func withName(c *tls.Config) *tls.Config {
	c.ServerName = "127.0.0.1"
	return c
}

func headers(method, path string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, h := range [][2]string{
		{":method", method},
		{":scheme", "https"},
		{":path", path},
		{":authority", "x"},
		{"authorization", "Bearer " + apiKey},
		{"content-type", "application/json"},
	} {
		_ = e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	return b.Bytes()
}

// statusOf waits for the answer on a stream.
func statusOf(f *http2.Framer, stream uint32) string {
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		frame, err := f.ReadFrame()
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if frame.StreamID == stream {
				return frame.PseudoValue("status")
			}
		case *http2.RSTStreamFrame:
			if frame.StreamID == stream {
				return "reset"
			}
		}
		if err != nil {
			return "gone"
		}
	}
}

// TestStreamsThatAreResetAtOnceHoldNobodyUp is a rapid reset (CVE-2023-44487).
func TestStreamsThatAreResetAtOnceHoldNobodyUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	files := certify(t)
	a := r.startSecureAPI(t, files, settings{More: namespaces + files.listen("api.tls")})
	for range 4 {
		c, f := r.http2(t, a, files)
		go func() { _, _ = io.Copy(io.Discard, c) }()
		for stream := uint32(1); stream < 20_000; stream += 2 {
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: headers("GET", "/docs"), EndHeaders: true, EndStream: true})
			if err == nil {
				err = f.WriteRSTStream(stream, http2.ErrCodeCancel)
			}
			if err != nil {
				break // it has had enough of us
			}
		}
		a.start(t, "load", r.phone())
	}
	if !a.runs() {
		t.Error(a.tail())
	}
}

// TestWhoComesWhenThereAreTooManyWaits fills the api with clients who say nothing.
func TestWhoComesWhenThereAreTooManyWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{API: "connections = 20"})
	var idle []net.Conn
	for range 40 {
		idle = append(idle, dial(t, strings.TrimPrefix(a.base, "http://"), ""))
	}
	if status, _ := a.fetch("/readyz"); status != http.StatusOK {
		t.Errorf("its health is not told: %d", status)
	}
	if got := a.ask("load", r.phone()); got.status != http.StatusAccepted || got.took < time.Second {
		t.Errorf("whoever came then got %v after %s", got, got.took)
	}
	for i, c := range idle[:20] {
		if !hungUp(c) {
			t.Errorf("connection %d is still open", i)
		}
	}
}
