package processtest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Command says what to start.
type Command struct {
	Name   string   // api or worker
	Config string   // its configuration file
	Admin  string   // host:port of its /readyz, as the file says
	Dir    string   // gets its log
	Env    []string // beside PATH and HOME
}

// Process is an api or a worker that runs.
type Process struct {
	Name  string
	Admin string
	log   string // file
	cmd   *exec.Cmd
	gone  chan struct{}
}

var started atomic.Int32

// Start starts a process and ends it with the test. The thread it is started from
// is kept until then: the kernel ends the process with that thread, so none
// outlives a test that was killed.
func Start(t testing.TB, c Command) *Process {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	p := &Process{Name: c.Name, Admin: c.Admin, gone: make(chan struct{})}
	p.log = filepath.Join(c.Dir, fmt.Sprintf("%s-%d.log", c.Name, started.Add(1)))
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	p.cmd = exec.Command(filepath.Join(binaries, c.Name), "-config", c.Config) //nolint:gosec,noctx // Kill ends it
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir, "GORACE=halt_on_error=1"}, c.Env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill(); p.inspect(t) })
	return p
}

func (p *Process) run() error {
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
	return <-up
}

// Ready waits until the process says that it is.
func (p *Process) Ready(t testing.TB) {
	t.Helper()
	Until(t, time.Minute, p.Name+" is ready", func() bool {
		select {
		case <-p.gone:
			t.Fatalf("%s ended\n%s", p.Name, p.Tail())
		default:
		}
		return p.answers("/readyz") == http.StatusOK
	})
}

// answers is the status of a page of the admin listener; 0 is none.
func (p *Process) answers(path string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Admin+path, http.NoBody)
	if err != nil {
		return 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the process at once, as a crash would.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.gone
}

// Terminate asks the process to stop and waits until it has.
func (p *Process) Terminate(t testing.TB) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
	case <-time.After(time.Minute):
		t.Fatalf("%s does not stop\n%s", p.Name, p.Tail())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("%s ended with %d\n%s", p.Name, code, p.Tail())
	}
}

// Text is all that the process has said so far.
func (p *Process) Text() string {
	b, _ := os.ReadFile(p.log)
	return string(b)
}

// Tail is what it said last.
func (p *Process) Tail() string {
	text := p.Text()
	return text[max(0, len(text)-1500):]
}

// inspect looks for what no process may ever say, and shows what it said last
// where something went wrong.
func (p *Process) inspect(t testing.TB) {
	text := p.Text()
	for _, bad := range []string{"DATA RACE", "panic:", "handler panicked", "goroutine 1 ["} { // "panic" alone is found in random ids
		if i := strings.Index(text, bad); i >= 0 {
			t.Errorf("%s: %s", p.Name, text[i:min(len(text), i+6000)])
		}
	}
	if t.Failed() {
		t.Logf("%s said last:\n%s", p.Name, p.Tail())
	}
}
