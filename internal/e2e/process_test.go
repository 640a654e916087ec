// Package e2e_test runs the two processes as they are shipped, on a real
// redis-server, against the outside world on loopback, and is unkind to them.
package e2e_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// soak makes the crash tests long: set LONG.
var soak = os.Getenv("LONG") != ""

// slack is what a machine with other work may take for what is promised within d.
// Soaks run alone and give none.
func slack(d time.Duration) time.Duration {
	if soak {
		return d
	}
	return 5 * d
}

// binaries is where the processes were built; see build.
var binaries string

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // these tests wait more than they work
	var err error
	if binaries, err = os.MkdirTemp("", "otpipe-e2e"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(binaries)
	os.Exit(code)
}

var build = sync.OnceValue(func() error {
	args := []string{"build", "-o", binaries + "/"}
	if raced {
		args = append(args, "-race")
	}
	const commands = "github.com/otpipe/otpipe/cmd/"
	cmd := exec.CommandContext(context.Background(), "go", append(args, commands+"api", commands+"worker", commands+"dev", commands+"otpctl")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
})

// process is an api or a worker that runs.
type process struct {
	name  string
	admin string // host:port of /readyz and /metrics
	log   string // file
	cmd   *exec.Cmd
	gone  chan struct{}
}

var processes, shown atomic.Int32

// run starts a process with a configuration file. The thread it is started from
// is kept until it ends: the kernel ends the process with that thread, so none
// outlives a test that was killed.
func run(t testing.TB, dir, name, config, admin string, flags ...string) *process {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	p := &process{
		name: name, admin: admin, gone: make(chan struct{}),
		log: filepath.Join(dir, fmt.Sprintf("%s-%d.log", name, processes.Add(1))),
	}
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	p.cmd = exec.Command(filepath.Join(binaries, name), append([]string{"-config", config}, flags...)...)
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

// kill ends the process at once, as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.gone
}

// terminate asks the process to stop.
func (p *process) terminate() { _ = p.cmd.Process.Signal(syscall.SIGTERM) }

// exit waits for the end of the process and returns its exit code.
func (p *process) exit(t testing.TB, within time.Duration) int {
	t.Helper()
	select {
	case <-p.gone:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		t.Fatalf("%s still runs after %s\n%s", p.name, within, p.tail())
		return -1
	}
}

// reload has the process read its configuration again, and tells whether it took it.
func (p *process) reload(t testing.TB) (taken bool) {
	t.Helper()
	const yes, no = `"configuration taken"`, `"configuration not taken`
	before, refused := strings.Count(p.text(), yes), strings.Count(p.text(), no)
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	eventually(t, 20*time.Second, p.name+" has read its configuration", func() bool {
		taken = strings.Count(p.text(), yes) > before
		return taken || strings.Count(p.text(), no) > refused || !p.runs()
	})
	return taken
}

func (p *process) runs() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// ready waits until the process says that it is.
func (p *process) ready(t testing.TB) {
	t.Helper()
	eventually(t, 20*time.Second, p.name+" is ready", func() bool {
		if !p.runs() {
			t.Fatalf("%s ended\n%s", p.name, p.tail())
		}
		status, _ := p.fetch("/readyz")
		return status == http.StatusOK
	})
}

// fetch gets a page of the admin listener; status 0 means that nobody answers.
func (p *process) fetch(path string) (status int, body string) {
	return page("http://" + p.admin + path)
}

func (p *process) said(words string) bool { return strings.Contains(p.text(), words) }

func (p *process) text() string {
	b, _ := os.ReadFile(p.log)
	return string(b)
}

func (p *process) tail() string {
	text := p.text()
	return text[max(0, len(text)-1500):]
}

// inspect looks for what no process may ever say.
func (p *process) inspect(t testing.TB) {
	text := p.text()
	for _, bad := range []string{"DATA RACE", "panic", "goroutine 1 ["} {
		if i := strings.Index(text, bad); i >= 0 {
			t.Errorf("%s: %s", p.name, text[i:min(len(text), i+6000)])
		}
	}
	for line := range strings.Lines(text) {
		for _, key := range keysOf(line) {
			if !strings.Contains(watching(), "`"+key+"`") {
				t.Errorf("%s: docs/watching.md does not know the key %s of %s", p.name, key, line)
			}
		}
	}
	if t.Failed() && shown.Add(1) <= 12 {
		t.Logf("%s (%s) said last:\n%s", p.name, p.admin, p.tail())
	}
}

// watching is the page that lists what logs may hold.
var watching = sync.OnceValue(func() string {
	page, err := os.ReadFile("../../docs/watching.md")
	if err != nil {
		panic(err)
	}
	return string(page)
})

// keysOf are the keys of a line of JSON; of any other line there are none.
func keysOf(line string) []string {
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(fields))
}

var (
	portsMu  sync.Mutex
	nextPort = 20000 + os.Getpid()%10000
)

// port finds a port below those that the kernel gives to outgoing connections,
// so that it stays free until a process takes it.
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

// eventually polls until a condition holds.
func eventually(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(15 * time.Millisecond) {
		if holds() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}
