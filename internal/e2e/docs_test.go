package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// block is a piece of a page that is set as code.
var block = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// What the pages tell a newcomer to type is typed here, against dev mode, and
// answered with what the page says comes back.
func TestWhatThePagesSayHappensWhenItIsTyped(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"docs/api.md", "docs/totp.md", "docs/providers.md", "README.md"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("../..", page))
			if err != nil {
				t.Fatal(err)
			}
			commands, answers := typed(string(text))
			if len(commands) < 2 {
				t.Fatalf("%d commands", len(commands))
			}
			got, busy := dev(t).shell(t, commands)
			for range 2 {
				if busy {
					got, busy = dev(t).shell(t, commands)
				}
			}
			if busy {
				t.Fatal("three times the store did not answer")
			}
			for i := range commands {
				if d := cmp.Diff(form(answers[i]), form(got[i])); d != "" {
					t.Errorf("%s\n%s\nanswered\n%s\n%s", page, commands[i], got[i], d)
				}
			}
		})
	}
}

// typed pairs the commands of a page that call the API with the blocks after them.
func typed(page string) (commands, answers []string) {
	blocks := block.FindAllStringSubmatch(page, -1)
	for i, b := range blocks {
		if b[1] == "sh" && strings.Contains(b[2], "curl ") && i+1 < len(blocks) && blocks[i+1][1] != "sh" {
			commands, answers = append(commands, b[2]), append(answers, blocks[i+1][2])
		}
	}
	return commands, answers
}

// form is what must be the same each time: the names in a JSON object and the
// values that do not depend on chance or the clock.
func form(answer string) any {
	var v any
	if err := json.Unmarshal([]byte(answer), &v); err != nil {
		return strings.TrimSpace(answer)
	}
	return formOf("", v)
}

func formOf(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k := range maps.Keys(v) {
			out[k] = formOf(k, v[k])
		}
		return out
	case []any:
		var out []any
		for _, x := range v {
			out = append(out, formOf(name, x))
		}
		return out
	}
	if slices.Contains([]string{
		"id", "verification_id", "token", "request_id", "expires_at", "resend_at", "created_at", "drained_at", "retry_after", "at", "seq", "sum",
		"factor_id", "confirmed_at", "secret", "uri", "qr_png", "qr_svg", "recovery_codes",
	}, name) {
		return fmt.Sprintf("some %T", v)
	}
	return v
}

// devMode is dev mode, on ports of its own.
type devMode struct{ api, support, inbox string }

func dev(t *testing.T) devMode {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	d := devMode{api: port(t), support: port(t), inbox: port(t)}
	admin := port(t)
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "dev"), "-api", d.api, "-support", d.support, "-inbox", d.inbox, "-admin", admin)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() { defer close(stopped); _ = cmd.Wait() }()
	t.Cleanup(func() {
		<-stopped // the context ends before
		if t.Failed() {
			t.Log(log.String())
		}
	})
	eventually(t, 20*time.Second, "dev mode is ready", func() bool { return asked(t, "http://"+admin+"/readyz") == http.StatusOK })
	return d
}

// asked is the status of a page, or 0 while nobody answers.
func asked(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// shell types all commands into one shell and returns what each wrote. On a busy
// machine the Redis in the process may not answer in time, and says to try again.
func (d devMode) shell(t *testing.T, commands []string) (answers []string, busy bool) {
	t.Helper()
	const line = "--- the next one"
	ports := strings.NewReplacer("127.0.0.1:8080", d.api, "127.0.0.1:8081", d.support, "127.0.0.1:8025", d.inbox)
	script := ports.Replace(strings.Join(commands, "echo; echo '"+line+"'\n"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script).CombinedOutput()
	got := strings.Split(string(out), line+"\n")
	if strings.Contains(string(out), `"code":"store_unavailable"`) {
		return nil, true
	}
	if err != nil || len(got) != len(commands) {
		t.Fatalf("%v after\n%s", err, out)
	}
	return got, false
}
