package processtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

var (
	portsMu  sync.Mutex
	nextPort = 20000 + os.Getpid()%10000
)

// Port finds a port of loopback below those that the kernel gives to outgoing
// connections, so that it stays free until a process takes it.
func Port(t testing.TB) string {
	t.Helper()
	portsMu.Lock()
	defer portsMu.Unlock()
	for range 1000 {
		if nextPort++; nextPort >= 32000 {
			nextPort = 20000
		}
		addr := fmt.Sprintf("127.0.0.1:%d", nextPort)
		if l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// Until waits until a condition holds.
func Until(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	if !Comes(within, holds) {
		t.Fatalf("not within %s: %s", within, what)
	}
}

// Comes polls a condition, and tells whether it came to hold in time.
func Comes(within time.Duration, holds func() bool) bool {
	for end := time.Now().Add(within); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
