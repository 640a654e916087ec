// Package redistest gives every test its own empty database: on a real
// redis-server, which it starts, and on the embedded one. It is imported by
// tests alone.
package redistest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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

// Server is a redis-server of a test's own, to stop, freeze and restart.
type Server struct {
	dir  string
	port int
	args []string
	cmd  *exec.Cmd
	gone chan struct{}
}

// Start starts a redis-server that lives as long as the test, with more
// arguments for its command line, such as "--appendonly", "yes".
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{dir: t.TempDir()}
	if err := s.start(args...); err != nil {
		t.Fatalf("redistest: %v (make deps installs redis-server)", err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Addr is where the server listens, before and after a restart.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.gone
}

// Restart starts a killed server on the same port and files.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.run(); err != nil {
		t.Fatalf("redistest: restart: %v", err)
	}
}

// Freeze stops the server without closing its connections; Thaw lets it go on.
func (s *Server) Freeze() { _ = s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

func (s *Server) start(args ...string) error {
	if err := s.choosePort(); err != nil {
		return err
	}
	s.args = append([]string{
		"--port", fmt.Sprint(s.port), "--bind", "127.0.0.1", "--dir", s.dir,
		"--save", "", "--appendonly", "no", "--logfile", filepath.Join(s.dir, "log"),
	}, args...)
	return s.run()
}

// choosePort takes a free port below those that the kernel gives to outgoing
// connections: one of them could take it before the server does, or while it is killed.
func (s *Server) choosePort() (err error) {
	for range 100 {
		port := 15000 + rand.IntN(17000) //nolint:gosec // any free port will do
		var l net.Listener
		if l, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			s.port = port
			return l.Close()
		}
	}
	return err
}

// run starts the process from a thread that is kept for good: the kernel ends
// the server with that thread, so no server outlives a test that was killed.
func (s *Server) run() error {
	s.cmd = exec.Command("redis-server", s.args...) //nolint:gosec,noctx // arguments of tests; Kill ends it
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.gone = make(chan struct{})
	up := make(chan error, 1)
	go func(cmd *exec.Cmd, gone chan struct{}) {
		runtime.LockOSThread()
		defer close(gone)
		err := cmd.Start()
		up <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}(s.cmd, s.gone)
	if err := <-up; err != nil {
		return err
	}
	return s.await()
}

func (s *Server) await() error {
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1})
	defer func() { _ = c.Close() }()
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if err = c.Ping(context.Background()).Err(); err == nil {
			return nil
		}
	}
	return err
}
