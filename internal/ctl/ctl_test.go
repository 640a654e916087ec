package ctl_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/otpipe/otpipe/internal/ctl"
)

// The scripts run otpctl as a process of its own: what it writes where, and how
// it ends, is what a shell sees.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"otpctl": func() { os.Exit(ctl.Main(os.Args[1:])) }})
}

func TestOtpctl(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: commands})
}

// commands are what scripts can do beside testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits": exits,
}

// exits runs a program that must end with a code: exits 64 otpctl nonsense.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	ended, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil && want != 0:
		ts.Fatalf("it ended with 0, want %d", want)
	case ok && ended.ExitCode() != want:
		ts.Fatalf("it ended with %d, want %d", ended.ExitCode(), want)
	case err != nil && !ok:
		ts.Fatalf("%v", err)
	}
}

// otpctl runs it as a process and returns what it wrote and how it ended.
func otpctl(t testing.TB, args ...string) (out, wrong string, code int) {
	t.Helper()
	return otpctlIn(t, nil, "", args...)
}

// otpctlIn is otpctl with variables and an input.
func otpctlIn(t testing.TB, env []string, input string, args ...string) (out, wrong string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "otpctl", args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	cmd.Stdin = strings.NewReader(input)
	var written, said strings.Builder
	cmd.Stdout, cmd.Stderr = &written, &said
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return written.String(), said.String(), cmd.ProcessState.ExitCode()
}
