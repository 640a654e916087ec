package webhook_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/notify"
	"github.com/otpipe/otpipe/internal/webhook"
)

func notice() notify.Notice {
	return notify.Notice{ID: "evt_07-1779413580123-0_shop", Endpoint: "shop", At: time.Now(), Body: []byte(`{"type":"verification.approved"}`)}
}

func notices(t *testing.T, url string, allowPrivate bool) webhook.Notices {
	t.Helper()
	h := webhook.NewGuardedClient(8, allowPrivate)
	t.Cleanup(h.CloseIdleConnections)
	return webhook.Notices{Endpoints: map[string]webhook.Endpoint{"shop": {URL: url, Secrets: secrets(t, secret), HTTP: h}}, Now: time.Now}
}

func TestNoPrivateAddressIsConnectedTo(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"127.0.0.1", "127.9.9.9", "localhost", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
		"192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "0177.0.0.1", "2130706433",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[fe80::1]", "[fec0::1]", "[fd00::1]", "[fc00::1]", "[ff02::1]",
		"[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[2001:db8::1]", "[100::1]", "[fd00:ec2::254]", "168.63.129.16",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err := notices(t, "http://"+host+":9/", false).Post(ctx, notice())
		cancel()
		lookup := (*net.DNSError)(nil)
		if !errors.Is(err, notify.ErrPrivate) && !errors.As(err, &lookup) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestAnAddressInAnotherFormIsStillPrivate(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"fe80::1%eth0", "::ffff:10.0.0.1", "fd00::1%1"} {
		if webhook.Public(ip) {
			t.Errorf("%s is taken for a public address", ip)
		}
	}
	if !webhook.Public("::ffff:1.1.1.1") {
		t.Error("a public address is taken for a private one")
	}
}

func TestAPublicAddressIsConnectedTo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing leaves this machine
	for _, host := range []string{"1.1.1.1", "172.32.0.1", "172.15.0.1", "100.128.0.1", "192.169.0.1", "[2606:4700::1111]", "[2a00::1]"} {
		if err := notices(t, "http://"+host+"/", false).Post(ctx, notice()); err == nil || errors.Is(err, notify.ErrPrivate) {
			t.Errorf("%s: %v", host, err)
		}
		if !webhook.Public(host) {
			t.Errorf("%s is taken for a private address", host)
		}
	}
}

func TestANameThatMeansAnotherAddressTheSecondTimeDoesNotPass(t *testing.T) {
	t.Parallel()
	reached := &gateway{}
	s := httptest.NewServer(reached)
	defer s.Close()
	// Whoever looked "localhost" up before would have to look again: what counts is
	// the address that is dialled.
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	if err := notices(t, "http://localhost:"+port, false).Post(t.Context(), notice()); !errors.Is(err, notify.ErrPrivate) {
		t.Error(err)
	}
	if err := notices(t, "http://localhost:"+port, true).Post(t.Context(), notice()); err != nil {
		t.Errorf("allowed: %v", err)
	}
	if len(reached.bodies) != 1 {
		t.Errorf("%d posts arrived", len(reached.bodies))
	}
}

func TestNoProxyIsAskedToConnectInOurPlace(t *testing.T) {
	proxy := &gateway{}
	s := httptest.NewServer(proxy)
	defer s.Close()
	t.Setenv("HTTP_PROXY", s.URL)
	t.Setenv("http_proxy", s.URL)
	if tr, ok := webhook.NewGuardedClient(1, true).Transport.(*http.Transport); !ok || tr.Proxy != nil {
		t.Error("there is a proxy")
	}
}

func TestANoticeIsBelievedByTheStandardsLibraryAndNotFollowedElsewhere(t *testing.T) {
	t.Parallel()
	g := &gateway{}
	s := httptest.NewServer(g)
	defer s.Close()
	for range 2 {
		if err := notices(t, s.URL, true).Post(t.Context(), notice()); err != nil {
			t.Fatal(err)
		}
	}
	if err := verify(t, secret, g.heads[0], g.bodies[0]); err != nil {
		t.Error(err)
	}
	if err := verify(t, stranger, g.heads[0], g.bodies[0]); err == nil {
		t.Error("it believes anybody")
	}
	if a, b := g.heads[0].Get("webhook-id"), g.heads[1].Get("webhook-id"); a != notice().ID || a != b {
		t.Errorf("the ids of one notice are %q and %q", a, b)
	}
	elsewhere := httptest.NewServer(http.RedirectHandler(s.URL, http.StatusTemporaryRedirect))
	defer elsewhere.Close()
	err := notices(t, elsewhere.URL, true).Post(t.Context(), notice())
	if r, ok := errors.AsType[*notify.Refusal](err); !ok || r.Status != 307 || len(g.bodies) != 2 {
		t.Errorf("%v, %d posts", err, len(g.bodies))
	}
}

func TestAnEndpointThatRefusesSaysWhenToComeAgain(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	err := notices(t, s.URL, true).Post(t.Context(), notice())
	if r, ok := errors.AsType[*notify.Refusal](err); !ok || *r != (notify.Refusal{Status: 503, RetryAfter: 2 * time.Hour}) {
		t.Errorf("%v", err)
	}
	n := notice()
	n.Endpoint = "gone"
	if err := notices(t, s.URL, true).Post(t.Context(), n); !errors.Is(err, notify.ErrNoEndpoint) {
		t.Errorf("%v", err)
	}
}

func TestNoEndpointPrintsItsURL(t *testing.T) {
	t.Parallel()
	n := notices(t, "https://shop.example/?token="+token, false)
	wantNoSecret(t, "notices", printed(n)+printed(n.Endpoints["shop"]))
}
