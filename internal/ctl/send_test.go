package ctl_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/otpipe/otpipe/internal/devkit"
)

// following is an api that starts send 1, and tells this of it from then on.
func following(t *testing.T, tells string) (env []string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, `{"id":"VE0a","send":1,"channel":"sms"}`)
			return
		}
		asked.Add(1)
		_, _ = io.WriteString(w, tells)
	}))
	t.Cleanup(fake.Close)
	return []string{"OTPIPE_URL=" + fake.URL, "OTPIPE_KEY=" + apiKey}, asked
}

func TestASmokeTestIsAboutTheSendThatItAskedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tells, more string
		code        int
		says        string
	}{
		"somebody asked again":   {`{"id":"VE0a","send":2,"channel":"sms","delivery":{"status":"delivered"}}`, "", 2, "it did not come through"},
		"nothing is known":       {`{"id":"VE0a","send":1,"channel":"sms","delivery":{"status":"queued"}}`, "", 75, "still queued"},
		"the answer never came":  {`{"id":"VE0a","send":1,"channel":"sms","delivery":{"status":"unknown"}}`, "--until=sent", 75, "still unknown"},
		"a carrier has it":       {`{"id":"VE0a","send":1,"channel":"sms","delivery":{"status":"sent"}}`, "--until=sent", 0, "it came through"},
		"a carrier has a text":   {`{"id":"VE0a","send":1,"channel":"sms","delivery":{"status":"sent"}}`, "", 75, "still sent"},
		"a relay has a mail":     {`{"id":"VE0a","send":1,"channel":"email","delivery":{"status":"sent"}}`, "", 0, "it came through"},
		"a mail must be there":   {`{"id":"VE0a","send":1,"channel":"email","delivery":{"status":"sent"}}`, "--until=delivered", 75, "still sent"},
		"it came further":        {`{"id":"VE0a","send":1,"channel":"sms","delivery":{"status":"delivered"}}`, "--until=accepted", 0, "it came through"},
		"the channel is blocked": {`{"id":"VE0a","send":1,"channel":"sms","delivery":{"status":"suppressed"}}`, "", 2, "it did not come through"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, asked := following(t, c.tells)
			args := append([]string{"send", "--to", "+4915123456789", "--namespace", "phone-auth", "--wait", "1s"}, strings.Fields(c.more)...)
			out, wrong, code := otpctlIn(t, env, "", args...)
			if code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("it ended with %d: %s%s", code, out, wrong)
			}
			if n := asked.Load(); n == 0 || n > 10 {
				t.Errorf("it asked %d times", n)
			}
		})
	}
}

func TestWhoeverInterruptsASmokeTestLeavesNoCode(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if err := d.world.Chaos.Set("twilio", devkit.Hang, 1); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "otpctl", "send", "--to", "+4915123456789", "--namespace", "phone-auth", "--cancel")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, d.env...)
	var wrong strings.Builder
	cmd.Stderr = &wrong
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "sending by twilio") {
			_ = cmd.Process.Signal(os.Interrupt)
		}
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 1 || wrong.String() != "otpctl: interrupted\n" {
		t.Errorf("it ended with %d: %s", cmd.ProcessState.ExitCode(), wrong.String())
	}
	d.has(0, []string{"canceled"}, "show", "+4915123456789")
}
