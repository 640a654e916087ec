package auditfile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/auditfile"
	"github.com/otpipe/otpipe/internal/audittest"
	"github.com/otpipe/otpipe/internal/otp"
)

const large = 100 << 20

func open(t *testing.T, dir string, max int64) *auditfile.Files {
	t.Helper()
	f, err := auditfile.Open(dir, max)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func add(t *testing.T, f audit.Archive, records []otp.Record) {
	t.Helper()
	if err := f.Append(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFilesAreALibrary(t *testing.T) {
	t.Parallel()
	audittest.Suite(t, func(t *testing.T) audit.Library { return open(t, t.TempDir(), large) })
}

func TestSmallFilesAreALibraryToo(t *testing.T) {
	t.Parallel()
	audittest.Suite(t, func(t *testing.T) audit.Library { return open(t, t.TempDir(), 1) }) // one for each Append
}

func TestAFileIsNobodyElsesToReadAndHasItsSize(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "audit")
	f := open(t, dir, 3000)
	for _, r := range audittest.Chain(t, 1, 40) {
		add(t, f, []otp.Record{r})
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	all := files(t, dir)
	if len(all) < 5 {
		t.Errorf("%d files", len(all))
	}
	for _, path := range all {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() > 4000 {
			t.Errorf("%s: %v %d, %v", path, info.Mode(), info.Size(), err)
		}
	}
}

// Two workers take turns at a partition: its chain lies in the files of both.
func TestAChainThatGoesThroughFilesOfSeveralProcessesIsOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := open(t, dir, large), open(t, dir, large)
	chain, other := audittest.Chain(t, 1, 60), audittest.Chain(t, 2, 60)
	for i := 0; i < 60; i += 10 {
		a, b := audit.Archive(one), audit.Archive(two)
		if i%20 == 0 {
			a, b = b, a
		}
		add(t, a, chain[i:i+10])
		add(t, b, other[i:i+10])
	}
	for p := range otp.Partition(3) {
		v, err := audit.Verify(t.Context(), one, audittest.Keys(t), p, otp.Record{})
		if err != nil || len(v.Faults) > 0 || p > 0 && v.Records != 60 {
			t.Errorf("%s: %+v, %v", p, v, err)
		}
	}
}

func TestATornLineIsNoRecordAndNothingIsWrittenBehindIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	chain := audittest.Chain(t, 1, 10)
	first := open(t, dir, large)
	add(t, first, chain[:5])
	torn, err := os.OpenFile(files(t, dir)[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = torn.WriteString(`{"partition":1,"seq":6,"ent`)
	_ = torn.Close()
	second := open(t, dir, large)
	add(t, second, chain[5:])
	if got := audittest.Walked(t, second, 1, 1); len(got) != 10 {
		t.Errorf("%d records", len(got))
	}
}

func TestALineThatIsNoRecordIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := open(t, dir, large)
	add(t, f, audittest.Chain(t, 1, 3))
	name := files(t, dir)[0]
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, bytes.Replace(text, []byte(`"seq":2,`), []byte(`"seq":2.5,`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	err = f.Walk(t.Context(), 1, 1, time.Time{}, func(otp.Record) error { return nil })
	if err == nil || !strings.HasSuffix(err.Error(), filepath.Base(name)+": line 2 is no record") {
		t.Error(err)
	}
}

// One process forgets while others write: nothing that they write is lost, and what
// is forgotten stays so.
func TestForgettingLosesNothingThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var writers sync.WaitGroup
	for p := range otp.Partition(3) {
		f := open(t, dir, large)
		chain := audittest.Chain(t, p, 300)
		writers.Go(func() {
			for i := range chain {
				if err := f.Append(t.Context(), chain[i:i+1]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	forgetful := open(t, dir, large)
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for running := true; running; {
		if _, err := forgetful.Forget(t.Context(), "anchor-1"); err != nil {
			t.Error(err)
		}
		select {
		case <-done:
			running = false
		default:
		}
	}
	if _, err := forgetful.Forget(t.Context(), "anchor-1"); err != nil {
		t.Error(err)
	}
	for p := range otp.Partition(3) {
		v, err := audit.Verify(t.Context(), forgetful, audittest.Keys(t), p, otp.Record{})
		if err != nil || v.Records != 300 || len(v.Faults) > 0 || v.Erased == 0 {
			t.Errorf("%s: %+v, %v", p, v, err)
		}
	}
	for _, path := range files(t, dir) {
		if text, err := os.ReadFile(path); err != nil || bytes.Contains(text, []byte("anchor-1\"")) || !strings.HasSuffix(path, ".jsonl") {
			t.Errorf("%s, %v", path, err)
		}
	}
}

func TestOldFilesAreGivenUpWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := open(t, dir, 1)
	chain := audittest.Chain(t, 1, 6)
	for _, r := range chain {
		add(t, f, []otp.Record{r})
	}
	old := time.Now().Add(-48 * time.Hour)
	for _, path := range files(t, dir)[:4] {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Prune(t.Context(), time.Now().Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	v, err := audit.Verify(t.Context(), f, audittest.Keys(t), 1, chain[5])
	if err != nil || v.From != 5 || v.Records != 2 || len(v.Faults) > 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestAFullDiskIsAnErrorAndLeavesNoHalfRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no small disk can be had: %s", out)
	}
	t.Cleanup(func() { _ = exec.CommandContext(context.WithoutCancel(t.Context()), "umount", dir).Run() })
	f, err := auditfile.Open(dir, large)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	chain := audittest.Chain(t, 1, 400)
	kept := 0
	for kept < 400 {
		if err := f.Append(t.Context(), chain[kept:kept+10]); err != nil {
			if !strings.Contains(err.Error(), "no space left") {
				t.Error(err)
			}
			break
		}
		kept += 10
	}
	if got := audittest.Walked(t, f, 1, 1); kept == 400 || len(got) != kept {
		t.Errorf("%d records of %d", len(got), kept)
	}
}

// Started by the test below.
func TestWriterThatIsKilled(t *testing.T) {
	dir := os.Getenv("AUDITFILE_DIR")
	if dir == "" {
		t.Skip("it is another test's process")
	}
	audittest.Write(t, open(t, dir, 20_000))
}

func TestWhatAppendHadReturnedForOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	told := audittest.Killed(t, "TestWriterThatIsKilled", "AUDITFILE_DIR="+dir)
	if got := audittest.Walked(t, open(t, dir, large), 1, 1); len(got) < told {
		t.Errorf("%d records, and %d were told to be kept", len(got), told)
	}
}

func TestAStreamHasALineForEachRecord(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &auditfile.Stream{To: &out}
	chain := audittest.Chain(t, 1, 4)
	add(t, s, chain[:2])
	add(t, s, chain[2:])
	in := json.NewDecoder(&out)
	for _, want := range chain {
		var got otp.Record
		if err := in.Decode(&got); err != nil || got.Sum != want.Sum || audittest.Keys(t).CheckRecord(got) != nil {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// A process may die while it rewrites a file: what it leaves has what was to be
// forgotten in it, of others.
func TestWhatADeadProcessLeftOfAFileIsRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := open(t, dir, large)
	add(t, f, audittest.Chain(t, 1, 10))
	left, fresh := filepath.Join(dir, "rewritten-1"), filepath.Join(dir, "rewritten-2")
	for _, name := range []string{left, fresh} {
		if err := os.WriteFile(name, []byte("anchor-1"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Forget(t.Context(), "anchor-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Error("it is still there")
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Error("one that somebody may be writing is gone")
	}
}

// Whoever looks for the end of a chain does not read a year of files.
func TestFilesOfBeforeAreNotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := open(t, dir, 1)
	for _, r := range audittest.Chain(t, 1, 6) {
		add(t, f, []otp.Record{r})
	}
	all := files(t, dir)
	old := time.Now().Add(-48 * time.Hour)
	for _, name := range all[:4] {
		if err := os.WriteFile(name, []byte(`{"partition":1, and then nonsense`+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	err := f.Walk(t.Context(), 1, 1, time.Now().Add(-24*time.Hour), func(otp.Record) error { n++; return nil })
	if err != nil || n != 2 {
		t.Errorf("%d records, %v", n, err)
	}
}

func TestADirectoryOfAnOddNameIsNoEmptyTrail(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a[b]*?")
	f := open(t, dir, large)
	add(t, f, audittest.Chain(t, 1, 5))
	if got := audittest.Walked(t, f, 1, 1); len(got) != 5 {
		t.Errorf("%d records", len(got))
	}
}
