// Package redistest gives every test its own empty database: on a real
// redis-server, which it starts, on the embedded one, or in a cluster. It also
// starts servers that a test may stop, with sentinels if need be. It is imported
// by tests alone.
package redistest

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

const databases = 4096

var (
	once   sync.Once
	shared *Server
	errUp  error
	next   atomic.Int32
)

// Options reach an empty database of the redis-server that the tests of this
// process share.
func Options(t testing.TB) *redis.Options {
	t.Helper()
	once.Do(func() {
		dir, err := os.MkdirTemp("", "redistest")
		if err != nil {
			errUp = err
			return
		}
		shared = &Server{dir: dir}
		errUp = shared.start("--databases", fmt.Sprint(databases))
	})
	if errUp != nil {
		t.Fatalf("redistest: %v (make deps installs redis-server)", errUp)
	}
	n := int(next.Add(1))
	if n >= databases {
		t.Fatal("redistest: out of databases")
	}
	return &redis.Options{Addr: shared.Addr(), DB: n}
}

// Client is a client of Options, closed with the test.
func Client(t testing.TB) *redis.Client {
	t.Helper()
	c := redis.NewClient(Options(t))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Each runs a test on the real server and on the embedded one.
func Each(t *testing.T, test func(t *testing.T, c *redis.Client)) {
	t.Helper()
	t.Run("redis-server", func(t *testing.T) { test(t, Client(t)) })
	t.Run("embedded", func(t *testing.T) {
		m := miniredis.RunT(t)
		c := redis.NewClient(&redis.Options{Addr: m.Addr()})
		t.Cleanup(func() { _ = c.Close() })
		test(t, c)
	})
}
