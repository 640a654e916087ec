package chaos_test

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// gate is a way to a Redis that can be shut: what is sent through it then never
// arrives, while the connection stays.
type gate struct {
	net.Listener
	target string
	shut   atomic.Bool
}

func newGate(t testing.TB, target string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{Listener: l, target: target}
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

func (g *gate) url() string { return "redis://" + g.Addr().String() + "/0" }

func (g *gate) serve(in net.Conn) {
	defer func() { _ = in.Close() }()
	out, err := net.Dial("tcp", g.target)
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
	gate *gate
}

func (v *valve) Read(p []byte) (int, error) {
	for {
		n, err := v.Reader.Read(p)
		if err != nil || !v.gate.shut.Load() {
			return n, err
		}
	}
}
