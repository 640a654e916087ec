package ctl_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/otpipe/otpipe/internal/devkit"
)

// onTerminal runs otpctl with a terminal for input, output and errors.
func onTerminal(t testing.TB, env []string, input, line string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "script", "-qec", line, "/dev/null")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TERM=xterm", "SHELL=/bin/sh"}, env...)
	cmd.Stdin = strings.NewReader(input)
	out, _ := cmd.CombinedOutput()
	if len(out) == 0 {
		t.Fatal("it says nothing")
	}
	return string(out)
}

func TestColoursAreForTerminalsThatWantThem(t *testing.T) {
	t.Parallel()
	env := []string{"OTPIPE_CONFIG=testdata/otpipe.toml"}
	const line = "otpctl template lint"
	const escape = "\x1b["
	if out := onTerminal(t, env, "", line); !strings.Contains(out, escape) {
		t.Errorf("no colours on a terminal:\n%q", out)
	}
	for name, out := range map[string]string{
		"NO_COLOR":        onTerminal(t, append(env, "NO_COLOR=1"), "", line),
		"--no-color":      onTerminal(t, env, "", line+" --no-color"),
		"a dumb terminal": onTerminal(t, append(env, "TERM=dumb"), "", line),
		"JSON":            onTerminal(t, env, "", line+" --json"),
		"a pipe":          onTerminal(t, env, "", line+" | cat"),
	} {
		if strings.Contains(out, escape) {
			t.Errorf("%s: colours\n%q", name, out)
		}
	}
}

func TestSomebodyWhoWaitsIsToldWhatFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	silent, err := devkit.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	p := plan{}.filled(h, h.api)
	p.Twilio = "http://" + silent.Addr().String()
	env := []string{"OTPIPE_CONFIG=" + p.write(t, h.dir)}
	const line = "otpctl doctor --timeout 2500ms"
	out := onTerminal(t, env, "", line)
	if !strings.Contains(out, "looking at everything … 1s") || !strings.Contains(out, "\r\x1b[K") {
		t.Errorf("it does not say what it waits for:\n%q", out)
	}
	if !strings.Contains(out, "provider twilio  does not answer: timeout") {
		t.Errorf("it does not say what did not answer:\n%s", out)
	}
	if out, wrong, _ := otpctlIn(t, env, "", "doctor", "--timeout", "2500ms"); strings.Contains(out+wrong, "looking at") {
		t.Errorf("it says so to a file:\n%s%s", out, wrong)
	}
}

// answer is what somebody types once they have read something.
type answer struct{ after, types string }

// talk runs otpctl on a terminal, in front of which somebody answers.
func talk(t *testing.T, line string, answers ...answer) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "script", "-qec", line, "/dev/null")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TERM=xterm", "SHELL=/bin/sh"}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for piece := make([]byte, 256); ; {
		n, err := out.Read(piece)
		said.Write(piece[:n])
		if len(answers) > 0 && strings.HasSuffix(said.String(), answers[0].after) {
			_, _ = in.Write([]byte(answers[0].types))
			answers = answers[1:]
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait()
	if len(answers) > 0 {
		t.Fatalf("it did not come to %q:\n%q", answers[0].after, said.String())
	}
	return said.String()
}

func TestAPasswordIsAskedForTwiceAndNotShown(t *testing.T) {
	t.Parallel()
	const line, password = "otpctl user new --name ada --role viewer", "correct horse battery"
	out := talk(t, line, answer{"Password: ", password + "\n"}, answer{"Once more: ", password + "\n"})
	if !strings.Contains(out, "$argon2id$") || strings.Contains(out, password) {
		t.Errorf("it says %q", out)
	}
	out = talk(t, line, answer{"Password: ", password + "\n"}, answer{"Once more: ", "another " + password + "\n"})
	if !strings.Contains(out, "these are two passwords") || strings.Contains(out, "argon2id") || strings.Contains(out, password) {
		t.Errorf("it says %q", out)
	}
}

func TestWhoeverChangesTheirMindGetsTheTerminalBackAsItWas(t *testing.T) {
	t.Parallel()
	out := talk(t, "trap : INT; stty -a | grep -o '[-]*echo '; otpctl user new --name ada --role viewer; stty -a | grep -o '[-]*echo '",
		answer{"Password: ", "\x03"})
	if strings.Count(out, "-echo ") != 0 || strings.Count(out, "echo ") != 2 || !strings.Contains(out, "otpctl: ") {
		t.Errorf("it says %q", out)
	}
}
