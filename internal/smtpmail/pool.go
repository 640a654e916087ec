package smtpmail

import (
	"context"
	"slices"
	"sync"
	"time"
)

// pool bounds how many connections are open and keeps those that are idle. The
// one used last is used next: with little to do, one connection stays warm and
// the others close, where taking turns would let all of them go stale.
type pool struct {
	free     chan struct{} // one for each connection that may still be in use
	idleTime time.Duration

	mu     sync.Mutex
	idle   []*session // the one used last is last
	closed bool
}

func newPool(size int, idleTime time.Duration) *pool {
	p := &pool{free: make(chan struct{}, size), idleTime: idleTime}
	for range size {
		p.free <- struct{}{}
	}
	return p
}

// take waits until a connection may be used and returns an idle one, or nil: the
// caller opens its own. Every take without error is followed by one give.
func (p *pool) take(ctx context.Context) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-p.free:
		return p.pop(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// give ends a take and keeps the connection, unless it is nil, dead or worn out.
func (p *pool) give(s *session) {
	if s != nil && !s.dead && !p.push(s) {
		s.quit()
	}
	p.free <- struct{}{}
}

func (p *pool) pop() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	s := p.idle[n-1]
	p.idle = slices.Delete(p.idle, n-1, n)
	s.timer.Stop()
	return s
}

func (p *pool) push(s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || s.sent >= maxSent {
		return false
	}
	s.timer = time.AfterFunc(p.idleTime, func() { p.expire(s) })
	p.idle = append(p.idle, s)
	return true
}

// expire closes a connection that nobody has taken in time.
func (p *pool) expire(s *session) {
	p.mu.Lock()
	i := slices.Index(p.idle, s)
	if i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		s.quit()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, s := range idle {
		s.timer.Stop()
		s.quit()
	}
}
