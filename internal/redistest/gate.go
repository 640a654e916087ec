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
	target string
	Shut   atomic.Bool
}

// NewGate opens a gate to a server, on loopback, until the test ends.
func NewGate(t testing.TB, target string) *Gate {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &Gate{Listener: l, target: target}
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
	out, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", g.target)
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
