package storebench_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is what the kernel counts processor time in: USER_HZ, 100 on Linux.
const tick = 10 * time.Millisecond

// cpu is processor time: of the api, of Redis and of PostgreSQL.
type cpu struct{ api, redis, postgres time.Duration }

func (c cpu) since(b cpu) cpu { return cpu{c.api - b.api, c.redis - b.redis, c.postgres - b.postgres} }

func (c cpu) over(n int) cpu {
	d := time.Duration(n)
	return cpu{c.api / d, c.redis / d, c.postgres / d}
}

// spent reads the clocks of all that work for a way.
func (l *lab) spent(w way) (c cpu) {
	l.Helper()
	c.api = processorTime(w.pid)
	info := l.rdb.InfoMap(l.Context(), "server", "cpu").Val()
	for _, name := range []string{"used_cpu_user", "used_cpu_sys"} {
		s, err := strconv.ParseFloat(info["CPU"][name], 64)
		if err != nil {
			l.Fatal(err)
		}
		c.redis += time.Duration(s * float64(time.Second))
	}
	all, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, path := range all {
		if name, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(name)) == "postgres" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			c.postgres += processorTime(pid)
		}
	}
	return c
}

// processorTime is a process'; 0 if it is gone.
func processorTime(pid int) time.Duration {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(stat, []byte(") ")) // the name may have spaces
	f := strings.Fields(string(rest))
	const user, system = 11, 12
	u, _ := strconv.Atoi(f[user])
	s, _ := strconv.Atoi(f[system])
	return time.Duration(u+s) * tick
}
