// Package processtest builds the processes as they are shipped and runs them, so
// that a test meets what an operator would run. It is imported by tests alone.
package processtest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
)

// binaries is where the processes are built; see Main.
var binaries string

// Main runs the tests of a package that starts processes, so many at a time: they
// wait more than they work. It is what TestMain calls.
func Main(m *testing.M, parallel int) (code int) {
	flag.Parse()
	_ = flag.Set("test.parallel", strconv.Itoa(parallel))
	var err error
	if binaries, err = os.MkdirTemp("", "otpipe-processes"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(binaries) }()
	return m.Run()
}

// build makes them once, with the race detector if the tests have it.
var build = sync.OnceValue(func() error {
	args := []string{"build", "-o", binaries + "/"}
	if raced {
		args = append(args, "-race")
	}
	const commands = "github.com/otpipe/otpipe/cmd/"
	cmd := exec.CommandContext(context.Background(), "go", append(args, commands+"api", commands+"worker")...) //nolint:gosec // constants
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
})
