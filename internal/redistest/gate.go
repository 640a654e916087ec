package redistest

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// Gate is a way to a Redis that can be shut: what is sent through it then never
// arrives, while the connection stays.
type Gate struct {
	net.Listener
	dial   net.Dialer
	target string
	Shut   atomic.Bool
}

// NewGate opens a gate to a server, on loopback, until the test ends.
func NewGate(t testing.TB, target string) *Gate {
	t.Helper()
	return newGate(t, target, net.Dialer{})
}

// NewGateFrom opens one whose connections come from an address of loopback that
// tells them from all others, such as 127.0.0.2.
func NewGateFrom(t testing.TB, target, from string) *Gate {
	t.Helper()
	return newGate(t, target, net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}})
}

func newGate(t testing.TB, target string, dial net.Dialer) *Gate {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &Gate{Listener: l, dial: dial, target: target}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go g.serve(in)
		}
	}()
	t.Cleanup(func() { _ = l.Close() }) // the connections end with the processes
	return g
}

// URL is the gate as that of a Redis.
func (g *Gate) URL() string { return "redis://" + g.Addr().String() + "/0" }

func (g *Gate) serve(in net.Conn) {
	defer func() { _ = in.Close() }()
	out, err := g.dial.DialContext(context.Background(), "tcp", g.target)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
	_, _ = io.Copy(out, &valve{in, g})
}

// valve reads what is sent while the gate is open, and swallows the rest.
type valve struct {
	io.Reader
	gate *Gate
}

func (v *valve) Read(p []byte) (int, error) {
	for {
		n, err := v.Reader.Read(p)
		if err != nil || !v.gate.Shut.Load() {
			return n, err
		}
	}
}
