package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// patience is how long a process may take to come up, or to stop.
const patience = 15 * time.Second

// process is a child of the bench, in a group of its own: a Ctrl-C reaches the
// bench alone, which then ends its children one by one.
type process struct {
	name, log string
	cmd       *exec.Cmd
	gone      chan struct{}
}

// start starts a child from a thread that is kept for good: the kernel ends the
// child with that thread, so none outlives a bench that was killed.
func start(name, dir string, env []string, path string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), gone: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	p.cmd = exec.Command(path, args...) //nolint:gosec,noctx // the bench's own binaries; stop ends them
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = append(settings(), env...), out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	up := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer close(p.gone)
		defer func() { _ = out.Close() }()
		err := p.cmd.Start()
		up <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
	}()
	if err := <-up; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// stop ends the process as a supervisor would.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
		return nil
	case <-time.After(patience):
	}
	_ = p.cmd.Process.Kill()
	<-p.gone
	return fmt.Errorf("%s did not stop when told to", p.name)
}

// await waits until there answers without error.
func (p *process) await(ctx context.Context, answers func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.gone:
			return fmt.Errorf("%s ended: %s", p.name, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s does not come up: %w", p.name, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// tail is the end of what the process wrote.
func (p *process) tail() string {
	text, _ := os.ReadFile(p.log)
	text = bytes.TrimSpace(text)
	return string(text[max(0, len(text)-600):])
}

// cpu is the time that the process has had, in steps of 10 ms.
func (p *process) cpu() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("cpu of %s: %w", p.name, err)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("cpu of %s: not the stat of a process", p.name)
	}
	return ticks(fields[11]) + ticks(fields[12]), nil
}

// ticks reads what Linux counts in hundredths of a second.
func ticks(b []byte) time.Duration {
	n, _ := strconv.ParseInt(string(b), 10, 64)
	return time.Duration(n) * 10 * time.Millisecond
}

// freePort is an address on loopback where nothing listens.
func freePort(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
