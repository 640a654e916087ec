package chaos_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// binaries is where the processes were built; see build.
var binaries string

var build = sync.OnceValue(func() error {
	args := []string{"build", "-o", binaries + "/"}
	if raced {
		args = append(args, "-race")
	}
	const commands = "github.com/otpipe/otpipe/cmd/"
	cmd := exec.CommandContext(context.Background(), "go", append(args, commands+"api", commands+"worker")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
})

// process is an api or a worker that runs.
type process struct {
	name  string
	admin string // host:port of /readyz
	log   string // file
	cmd   *exec.Cmd
	gone  chan struct{}
}

var processes atomic.Int32

// launch starts a process. The thread it is started from is kept until it ends:
// the kernel ends the process with that thread, so none outlives a killed test.
func launch(t testing.TB, dir, name, config, admin string) *process {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	p := &process{name: name, admin: admin, gone: make(chan struct{})}
	p.log = filepath.Join(dir, fmt.Sprintf("%s-%d.log", name, processes.Add(1)))
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	p.cmd = exec.Command(filepath.Join(binaries, name), "-config", config)
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GORACE=halt_on_error=1"}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	up := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer close(p.gone)
		err := p.cmd.Start()
		up <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
	}()
	if err := <-up; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill(); p.inspect(t) })
	return p
}

// ready waits until the process says that it is.
func (p *process) ready(t testing.TB) {
	t.Helper()
	until(t, time.Minute, p.name+" is ready", func() bool {
		select {
		case <-p.gone:
			t.Fatalf("%s ended\n%s", p.name, p.tail())
		default:
		}
		res, err := http.Get("http://" + p.admin + "/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// kill ends the process at once, as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.gone
}

// terminate asks the process to stop and waits until it has.
func (p *process) terminate(t testing.TB) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
	case <-time.After(time.Minute):
		t.Fatalf("%s does not stop\n%s", p.name, p.tail())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("%s ended with %d\n%s", p.name, code, p.tail())
	}
}

func (p *process) text() string {
	b, _ := os.ReadFile(p.log)
	return string(b)
}

func (p *process) tail() string {
	text := p.text()
	return text[max(0, len(text)-1500):]
}

// inspect looks for what no process may ever say, and shows what it said last
// where something went wrong.
func (p *process) inspect(t testing.TB) {
	text := p.text()
	for _, bad := range []string{"DATA RACE", "panic", "goroutine 1 ["} {
		if i := strings.Index(text, bad); i >= 0 {
			t.Errorf("%s: %s", p.name, text[i:min(len(text), i+6000)])
		}
	}
	if t.Failed() {
		t.Logf("%s said last:\n%s", p.name, p.tail())
	}
}

var (
	portsMu  sync.Mutex
	nextPort = 20000 + os.Getpid()%10000
)

// port finds a port below those that the kernel gives to outgoing connections,
// so that it stays free until it is listened on.
func port(t testing.TB) string {
	t.Helper()
	portsMu.Lock()
	defer portsMu.Unlock()
	for range 1000 {
		if nextPort++; nextPort >= 32000 {
			nextPort = 20000
		}
		addr := fmt.Sprintf("127.0.0.1:%d", nextPort)
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// until waits until a condition holds.
func until(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	if !comes(within, holds) {
		t.Fatalf("not within %s: %s", within, what)
	}
}

// comes polls a condition, and tells whether it came to hold in time.
func comes(within time.Duration, holds func() bool) bool {
	for end := time.Now().Add(within); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
