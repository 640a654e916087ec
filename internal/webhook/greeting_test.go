package webhook_test

import (
	"context"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

func TestAGatewayIsGreetedWithoutAPost(t *testing.T) {
	t.Parallel()
	g := &gateway{}
	s := httptest.NewTLSServer(g)
	t.Cleanup(s.Close)
	p := provider(t, s.URL+"/otpipe?token="+token)
	_, err := p.Greet(t.Context())
	if f := wantFault(t, err, otp.FaultProvider, "certificate"); strings.Contains(f.Error(), token) {
		t.Errorf("it tells the URL: %v", f)
	}
	p.HTTP = s.Client()
	if note, err := p.Greet(t.Context()); err != nil || !strings.Contains(note, "nothing was posted") {
		t.Errorf("%q, %v", note, err)
	}
	if len(g.bodies) != 0 {
		t.Errorf("%d posts", len(g.bodies))
	}
}

func TestAGreetingSaysThatAGatewayIsNotThere(t *testing.T) {
	t.Parallel()
	_, err := provider(t, "http://127.0.0.1:1/").Greet(t.Context())
	wantFault(t, err, otp.FaultProvider, "connection")

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = provider(t, "https://"+silent.Addr().String()).Greet(ctx)
	wantFault(t, err, otp.FaultProvider, "timeout")
}
