package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSystemdTakesTheUnits(t *testing.T) {
	t.Parallel()
	verify := tool(t, "systemd-analyze", "it comes with systemd")
	for _, name := range []string{"otpipe-api.service", "otpipe-worker.service"} {
		text := read(t, "deploy", "systemd", name)
		for _, want := range []string{"DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "TimeoutStopSec=25", "LimitCORE=0"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s", name, want)
			}
		}
		// Go reads there how long a listener's backlog may be, and takes 128 if it cannot.
		if strings.Contains(text, "ProcSubset=pid") {
			t.Errorf("%s: /proc/sys is hidden", name)
		}
		// It looks for the programs too, which are not installed here.
		unit := filepath.Join(t.TempDir(), name)
		text = strings.NewReplacer("/usr/local/bin/api", "/bin/true", "/usr/local/bin/worker", "/bin/true").Replace(text)
		if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if said := run(t, ".", nil, verify, "verify", "--man=no", unit); strings.Contains(said, name) {
			t.Errorf("systemd-analyze: %s", said)
		}
		if said := run(t, ".", nil, verify, "security", "--offline=true", "--threshold=20", unit); !strings.Contains(said, "OK") {
			t.Errorf("not hardened enough: %s", said)
		}
	}
}
