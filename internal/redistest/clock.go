package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Clock is the time by which a redis-server goes. All deadlines of the store are
// by Redis' own time, so a day of otpipe passes as fast as the clock is moved.
type Clock struct {
	mu    sync.Mutex
	file  string
	ahead time.Duration
}

// faketime is Debian's libfaketime, for programs with threads.
const faketime = "/usr/lib/*-linux-gnu/faketime/libfaketimeMT.so.1"

// StartAhead starts a redis-server whose clock a test may move. Time passes there
// as everywhere, and monotonic time is left alone: Redis measures waits with it.
func StartAhead(t testing.TB, args ...string) (*Server, *Clock) {
	t.Helper()
	library, err := filepath.Glob(faketime)
	if err != nil || len(library) != 1 {
		t.Fatalf("redistest: no libfaketime (make deps installs it): %v %v", library, err)
	}
	c := &Clock{file: filepath.Join(memory(t), "clock")}
	c.Advance(t, 0)
	// Redis' own allocator asks for the time before libfaketime is ready to tell it,
	// and neither gets any further: libc's stands in for it.
	s := &Server{dir: memory(t), env: []string{
		"LD_PRELOAD=" + library[0] + ":libc.so.6", "FAKETIME_TIMESTAMP_FILE=" + c.file, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
	}}
	if err := s.start(args...); err != nil {
		t.Fatalf("redistest: %v (make deps installs redis-server)", err)
	}
	t.Cleanup(s.Kill)
	return s, c
}

// Advance moves the clock on. What the server is asked next, it answers by the
// new time.
func (c *Clock) Advance(t testing.TB, d time.Duration) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
	next := c.file + ".next" // the server must never read half a line
	if err := os.WriteFile(next, fmt.Appendf(nil, "+%.3f", c.ahead.Seconds()), 0o600); err != nil {
		t.Fatalf("redistest: move the clock: %v", err)
	}
	if err := os.Rename(next, c.file); err != nil {
		t.Fatalf("redistest: move the clock: %v", err)
	}
}

// Ahead is how far the clock has been moved.
func (c *Clock) Ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead
}
