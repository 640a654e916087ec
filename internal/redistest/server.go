package redistest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is a redis-server of a test's own, to stop, freeze and restart.
type Server struct {
	dir  string
	port int
	bus  bool // a node of a cluster, which talks to the others on a port 10000 above
	args []string
	env  []string // more of its environment
	cmd  *exec.Cmd
	gone chan struct{}
}

// Start starts a redis-server that lives as long as the test, with more
// arguments for its command line, such as "--appendonly", "yes".
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{dir: memory(t)}
	if err := s.start(args...); err != nil {
		t.Fatalf("redistest: %v (make deps installs redis-server)", err)
	}
	t.Cleanup(s.Kill)
	return s
}

// memory is a directory in memory, where there is one: a killed server leaves there
// what it had written, and how busy the machine's disk is has no part in the test.
func memory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "redistest")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
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

func (s *Server) start(args ...string) (err error) {
	for range 3 { // another test may take the port between our look and the server's
		if s.port, err = freePort(s.bus); err != nil {
			return err
		}
		s.args = append([]string{
			"--port", fmt.Sprint(s.port), "--bind", "127.0.0.1", "--dir", s.dir,
			"--save", "", "--appendonly", "no", "--logfile", s.logfile(),
		}, args...)
		if err = s.run(); !errors.Is(err, errEnded) {
			return err
		}
	}
	return err
}

func (s *Server) logfile() string { return filepath.Join(s.dir, "log") }

// freePort finds one below those that the kernel gives to outgoing connections:
// one of them could take it before the server does, or while it is killed.
func freePort(bus bool) (port int, err error) {
	const lowest, highest, above = 15000, 32000, 10000
	span := highest - lowest
	if bus {
		span -= above
	}
	for range 100 {
		port = lowest + rand.IntN(span) //nolint:gosec // any free port will do
		if err = free(port); err == nil && bus {
			err = free(port + above)
		}
		if err == nil {
			return port, nil
		}
	}
	return 0, err
}

func free(port int) error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	return l.Close()
}

// run starts the process from a thread that is kept for good: the kernel ends
// the server with that thread, so no server outlives a test that was killed.
func (s *Server) run() error {
	s.cmd = exec.Command("redis-server", s.args...) //nolint:gosec,noctx // arguments of tests; Kill ends it
	s.cmd.Env = append(os.Environ(), s.env...)
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

// client is one of the server itself, whatever it belongs to.
func (s *Server) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1})
}

// errEnded is a server that ended by itself instead of answering.
var errEnded = errors.New("redis-server ended")

func (s *Server) await() error {
	c := s.client()
	defer func() { _ = c.Close() }()
	us := fmt.Sprintf("process_id:%d\r\n", s.cmd.Process.Pid)
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if err = c.Ping(context.Background()).Err(); err == nil {
			if strings.Contains(c.Info(context.Background(), "server").Val(), us) {
				return nil
			}
			err = errors.New("somebody else answers on its port")
		}
		select {
		case <-s.gone:
			said, _ := os.ReadFile(s.logfile())
			return fmt.Errorf("%w: %s", errEnded, said)
		case <-time.After(2 * time.Millisecond):
		}
	}
	return err
}
