package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// dial opens a connection to the api and sends it the beginning of something.
func dial(t *testing.T, addr, beginning string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(beginning)); err != nil {
		t.Fatal(err)
	}
	return c
}

// hungUp tells whether the other side closed the connection, whatever it said before.
func hungUp(c net.Conn) bool {
	b := make([]byte, 4096)
	for {
		if _, err := c.Read(b); err != nil {
			return !errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
}

func TestClientsThatNeverFinishAreHungUpOnAndHoldNobodyUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{})
	r.startWorker(settings{})
	addr := strings.TrimPrefix(a.base, "http://")
	body := "POST /v1/verifications HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + apiKey + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
	var slow []net.Conn
	for range 200 {
		slow = append(slow, dial(t, addr, "POST /v1/verifications HTTP/1.1\r\nHost: x\r\nX-Endless: "), dial(t, addr, body+`{"namespace":`))
	}
	to := r.phone()
	a.start(t, "load", to)
	r.arrived(30*time.Second, to)
	for i, c := range slow {
		if !hungUp(c) {
			t.Fatalf("connection %d is still open after a minute", i)
		}
	}
}

func TestHeadersThatAreTooLongAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{})
	c := dial(t, strings.TrimPrefix(a.base, "http://"), fmt.Sprintf("GET /docs HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("x", 64<<10)))
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", res.StatusCode)
	}
}
