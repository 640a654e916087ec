package e2e_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/pgtest"
)

// TestTheTrailHasEveryEventThoughWorkersAreKilled kills the workers that keep it, one
// after the other, while codes are asked for and checked.
func TestTheTrailHasEveryEventThoughWorkersAreKilled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		sink func(t *testing.T) string
	}{
		{"postgres", func(t *testing.T) string { t.Helper(); return pgtest.URL(t) }},
		{"sqlite", func(t *testing.T) string { t.Helper(); return "sqlite://" + filepath.Join(t.TempDir(), "audit.db") }},
		{"files", func(t *testing.T) string { t.Helper(); return "jsonl://" + t.TempDir() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			trail := settings{More: namespaces + fmt.Sprintf("[audit]\nsink = %q\n", c.sink(t))}
			a := r.startAPI(trail)
			for range 5 {
				w := r.startWorker(trail)
				to := r.phones(10)
				all(indices(to), func(i int) { a.start(t, "load", to[i]) })
				r.arrived(30*time.Second, to...)
				all(indices(to)[:5], func(i int) { r.check(a, to[i]) })
				w.kill()
			}
			r.startWorker(trail)
			r.wholeTrail(trail)
		})
	}
}

// check checks a recipient's code.
func (r *rig) check(a api, to string) {
	r.Helper()
	got := a.do("POST", "/v1/verifications/check", map[string]any{"namespace": "load", "to": to, "code": r.code(to, 10*time.Second)})
	if got.status != 200 || !bytes.Contains(got.body, []byte(`"valid":true`)) {
		r.Errorf("check: %s", got)
	}
}

// wholeTrail waits until as many records are kept as events have happened, and has
// otpctl verify them.
func (r *rig) wholeTrail(s settings) {
	r.Helper()
	s.Admin = "127.0.0.1:0"
	config := r.write(s)
	run := func(args ...string) (string, error) {
		out, err := exec.CommandContext(r.Context(), filepath.Join(binaries, "otpctl"), append(args, "--config", config)...).CombinedOutput()
		return string(out), err
	}
	var out string
	var err error
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if out, err = run("audit", "export"); err == nil && strings.Count(out, "\n") >= r.events() {
			break
		}
		if time.Now().After(end) {
			r.Fatalf("%d events, and the trail has %d: %v %.500s", r.events(), strings.Count(out, "\n"), err, out)
		}
	}
	out, err = run("audit", "verify")
	if err != nil || !strings.Contains(out, "the trail is what was written") {
		r.Fatalf("%v: %s", err, out)
	}
	exported, err := run("audit", "export")
	if err != nil {
		r.Fatal(err)
	}
	entries := map[string]bool{}
	for line := range strings.Lines(exported) {
		_, rest, _ := strings.Cut(line, `"partition":`)
		partition, _, _ := strings.Cut(rest, ",")
		_, rest, _ = strings.Cut(line, `"entry":"`)
		entry, _, _ := strings.Cut(rest, `"`)
		entries[partition+" "+entry] = true
	}
	if n := r.events(); len(entries) != n {
		r.Errorf("%d events, and records of %d", n, len(entries))
	}
}

// events is how many there are in all streams.
func (r *rig) events() (n int) {
	c := r.store()
	for _, key := range c.Keys(r.Context(), "events:*").Val() {
		n += int(c.XLen(r.Context(), key).Val())
	}
	return n
}

// TestATrailThatCannotBeKeptKeepsNoCodeBack has the database away: codes arrive, and
// what happened is in the trail once it is back.
func TestATrailThatCannotBeKeptKeepsNoCodeBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dir := filepath.Join(t.TempDir(), "audit")
	blocked := filepath.Join(filepath.Dir(dir), "audit") // a file where the directory is to be
	if err := exec.CommandContext(t.Context(), "touch", blocked).Run(); err != nil {
		t.Fatal(err)
	}
	trail := settings{More: namespaces + fmt.Sprintf("[audit]\nsink = %q\n", "jsonl://"+dir)}
	a := r.startAPI(trail)
	w := r.startWorker(trail)
	to := r.phones(5)
	all(indices(to), func(i int) { a.start(t, "load", to[i]) })
	r.arrived(20*time.Second, to...)
	eventually(t, 20*time.Second, "the worker says so", func() bool { return w.said("audit records cannot be kept") })
	if err := exec.CommandContext(t.Context(), "rm", blocked).Run(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the worker says that they are", func() bool { return w.said("audit records are kept again") })
	r.wholeTrail(trail)
}
