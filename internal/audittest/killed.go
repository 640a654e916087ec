package audittest

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/otpipe/otpipe/internal/audit"
)

const (
	batch = 5  // records that a writer keeps at a time
	least = 50 // batches before it is killed
)

// Write is the test that Killed starts: it keeps records until it is killed, and
// tells each batch that is kept.
func Write(t *testing.T, a audit.Archive) {
	t.Helper()
	chain := Chain(t, 1, 20_000)
	for i := 0; i < len(chain); i += batch {
		must(t, a.Append(t.Context(), chain[i:i+batch]))
		_, _ = os.Stdout.WriteString(".")
	}
}

// Killed starts a test of this binary that writes, with a variable that says where,
// kills it in the middle, and returns how many records it was told are kept.
func Killed(t *testing.T, test, variable string) (told int) {
	t.Helper()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run", "^"+test+"$") //nolint:gosec // this very binary
	cmd.Env = append(os.Environ(), variable)
	said, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	batches := 0
	for b := make([]byte, 1); ; batches++ {
		if n, _ := said.Read(b); n == 0 || b[0] != '.' {
			break
		}
		if batches == least {
			kill()
		}
	}
	_ = cmd.Wait()
	if batches < least {
		t.Fatalf("it ended by itself after %d batches", batches)
	}
	return batch * batches
}
