package e2e_test

import (
	"net"
	"strings"
	"testing"
	"time"
)

// TestAProcessTellsWhetherTheOneThatRunsIsReady is what a container without a
// shell checks its health by.
func TestAProcessTellsWhetherTheOneThatRunsIsReady(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, program := range []string{"api", "worker"} {
		_, number, _ := net.SplitHostPort(port(t))
		s := settings{Admin: ":" + number} // every address, as in a container
		path := r.write(s)
		if code, out := command(t, program, "-config", path, "-ready"); code != 69 || !strings.Contains(out, "the "+program+" is not ready: ") {
			t.Errorf("nobody runs, and the %s says %d %s", program, code, out)
		}
		p := run(t, r.dir, program, path, "127.0.0.1:"+number)
		p.ready(t)
		if code, out := command(t, program, "-config", path, "-ready"); code != 0 || out != "" {
			t.Errorf("the %s runs, and says %d %s", program, code, out)
		}
		r.redis.Freeze()
		code, out := command(t, program, "-config", path, "-ready")
		r.redis.Thaw()
		if code != 69 || !strings.Contains(out, "503 Service Unavailable: ") {
			t.Errorf("without Redis the %s says %d %s", program, code, out)
		}
		eventually(t, 20*time.Second, program+" is ready again", func() bool {
			code, _ := command(t, program, "-config", path, "-ready")
			return code == 0
		})
	}
}
