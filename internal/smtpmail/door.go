package smtpmail

import (
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

// door lets clients in, so many at a time, and shows them out.
type door struct {
	net.Listener
	patience time.Duration

	mu      sync.Mutex
	cleared bool
	inside  map[*caller]struct{}
}

func newDoor(l net.Listener, limit int, patience time.Duration) *door {
	return &door{Listener: netutil.LimitListener(l, limit), patience: patience, inside: map[*caller]struct{}{}}
}

// Accept waits for a client, and for one to leave if too many are inside.
func (d *door) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &caller{Conn: conn, door: d, until: time.Now().Add(d.patience), leaving: d.cleared}
	d.inside[c] = struct{}{}
	return c, nil
}

// clear asks everybody to leave: at once, or after their message.
func (d *door) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cleared = true
	for c := range d.inside {
		c.leave()
	}
}

// cut closes all connections.
func (d *door) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.inside {
		_ = c.Conn.Close()
	}
}

func (d *door) left(c *caller) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.inside, c)
}

// caller is the connection of a client. How long the client may stay is a matter of
// messages alone: go-smtp renews its deadline with every command, and a client could
// hold its place with one a minute for ever.
type caller struct {
	net.Conn
	door *door

	mu      sync.Mutex
	until   time.Time
	busy    bool // a message is being read
	leaving bool
}

// callerOf finds it beneath TLS.
func callerOf(c *smtp.Conn) *caller {
	conn := c.Conn()
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	return conn.(*caller)
}

// SetReadDeadline is called before each command. The deadline is the client's own,
// which has passed for one that is to leave: go-smtp then says 421 and hangs up.
func (c *caller) SetReadDeadline(time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving {
		return c.Conn.SetReadDeadline(past)
	}
	return c.Conn.SetReadDeadline(c.until)
}

var past = time.Unix(1, 0)

// begin says that a message is being read.
func (c *caller) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = true
}

// end says that no message is being read any more. If it was read to its end there
// is time for another.
func (c *caller) end(read bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	if read {
		c.until = time.Now().Add(c.door.patience)
	}
}

func (c *caller) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaving = true
	if !c.busy {
		_ = c.Conn.SetReadDeadline(past)
	}
}

// Close closes the connection and makes room.
func (c *caller) Close() error {
	c.door.left(c)
	return c.Conn.Close()
}
