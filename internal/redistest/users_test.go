package redistest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/redistest"
)

func TestRedisRefusesTheUsersWhileAPasswordIsMissing(t *testing.T) {
	t.Parallel()
	deployed, err := os.ReadFile("../../deploy/redis/users.acl")
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range append([]string{redistest.Admin}, redistest.Users...) {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "users.acl")
			redistest.InstallUsers(t, path, true)
			installed, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(without(user, string(installed), string(deployed))), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // for a server that takes it
			defer cancel()
			socket := filepath.Join(t.TempDir(), "redis.sock")
			out, err := exec.CommandContext(ctx, "redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--aclfile", path).CombinedOutput()
			if err == nil || !strings.Contains(string(out), "The password hash must be exactly 64 characters") {
				t.Errorf("it ended with %v:\n%s", err, out)
			}
		})
	}
}

// without is the file with the passwords of all but one.
func without(user, installed, deployed string) string {
	line := func(text string) string {
		_, rest, _ := strings.Cut(text, "\nuser "+user+" ")
		rest, _, _ = strings.Cut(rest, "\n")
		return rest
	}
	return strings.Replace(installed, line(installed), line(deployed), 1)
}
