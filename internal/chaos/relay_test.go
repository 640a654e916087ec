package chaos_test

import (
	"net"
	"net/textproto"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// turn is one command of a mail transaction, as the relay hears it.
type turn struct {
	verb string // MAIL, RCPT, DATA, or "." at the end of the message
	to   string // from RCPT on
	mail int    // which message of the connection this is, from 1
}

// reply is what a relay does about a turn. The zero value is what a healthy one
// does.
type reply struct {
	line  string // instead of the usual answer
	cut   bool   // the connection, once line is said
	quiet bool   // takes the message and never answers
}

// relay is a mail relay that acts as it is told. What it takes it writes into
// the ledger.
type relay struct {
	name   string
	ledger *ledger
	addr   *net.TCPAddr
	open   atomic.Int64 // connections
	mails  atomic.Int64 // MAIL commands

	mu    sync.Mutex
	acts  func(turn) reply
	idle  time.Duration // after which a connection that says nothing is closed; 0: never
	conns map[net.Conn]bool
}

// startRelay starts a relay that takes everything.
func startRelay(t testing.TB, name string, l *ledger) *relay {
	t.Helper()
	in, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{name: name, ledger: l, addr: in.Addr().(*net.TCPAddr), acts: healthy, conns: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := in.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { r.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = in.Close(); r.cut(); serving.Wait() })
	return r
}

func healthy(turn) reply { return reply{} }

// does tells the relay what to do from now on.
func (r *relay) does(acts func(turn) reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acts = acts
}

// closesIdle closes connections opened from now on that say nothing for a time.
func (r *relay) closesIdle(after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = after
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		_ = conn.Close()
	}
}

func (r *relay) now(t turn) reply {
	r.mu.Lock()
	acts := r.acts
	r.mu.Unlock()
	return acts(t)
}

func (r *relay) serve(conn net.Conn) {
	r.mu.Lock()
	r.conns[conn] = true
	idle := r.idle
	r.mu.Unlock()
	r.open.Add(1)
	defer func() {
		_ = conn.Close()
		r.open.Add(-1)
		r.mu.Lock()
		delete(r.conns, conn)
		r.mu.Unlock()
	}()
	(&dialogue{relay: r, conn: conn, text: textproto.NewConn(conn), idle: idle}).run()
}
