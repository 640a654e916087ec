package storebench_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/otpipe/otpipe/internal/processtest"
)

var (
	// long is what make bench-stores sets: sizes from which something can be read.
	long   = os.Getenv("LONG") != ""
	update = flag.Bool("update", false, "write the tables and the plot into docs")
)

func TestMain(m *testing.M) { os.Exit(processtest.Main(m, 1)) }

// size is the number that a run of this length has.
func size(measured, tried int) int {
	if long {
		return measured
	}
	return tried
}

// TestStores is the comparison. What it asserts is answers, not times.
func TestStores(t *testing.T) {
	l := openLab(t)
	var report strings.Builder
	speed := l.speed()
	report.WriteString(speed.table())
	report.WriteString(l.bytesOfEach())
	report.WriteString(l.outages())
	report.WriteString(hashes())
	t.Log("\n" + report.String())
	if !*update || t.Failed() {
		return
	}
	const page = "../../docs/stores.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`(?s)(<!-- figures -->\n).*(<!-- /figures -->)`).ReplaceAll(text, []byte("${1}\n"+report.String()+"\n${2}"))
	for path, content := range map[string][]byte{page: text, "../../docs/img/stores.svg": []byte(speed.plot())} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// measured are the figures of all rounds, by connections, operation and way.
type measured map[string][]figures

func keyOf(conns int, operation, way string) string {
	return fmt.Sprint(conns, operation, way)
}

var connections = []int{1, 16, 64}

// speed asks all of them the same, turn by turn, so that what drifts meets all.
func (l *lab) speed() measured {
	m := measured{}
	for _, conns := range connections {
		n := size(map[int]int{1: 400, 16: 2000, 64: 4000}[conns], 40)
		for range size(3, 1) {
			for _, w := range l.ways {
				fresh := make([]seeded, n)
				for i := range fresh {
					fresh[i].to = phone(i)
				}
				l.empty()
				for _, o := range operations {
					if o.name == "wrong check" {
						l.empty()
						fresh = l.seed(w, n)
					}
					k := keyOf(conns, o.name, w.name)
					m[k] = append(m[k], l.round(w, o, conns, fresh))
				}
			}
		}
	}
	return m
}

// of is the round in the middle.
func (m measured) of(conns int, operation, way string) figures {
	all := slices.Clone(m[keyOf(conns, operation, way)])
	slices.SortFunc(all, func(a, b figures) int { return int(a.rate - b.rate) })
	return all[len(all)/2]
}

func (m measured) table() string {
	var b strings.Builder
	b.WriteString("| connections | | codes | req/s | p50 / p99 ms | api µs | Redis µs | PostgreSQL µs |\n|---|---|---|---|---|---|---|---|\n")
	for _, conns := range connections {
		for _, o := range operations {
			for i, way := range wayNames {
				f := m.of(conns, o.name, way)
				c, name := "", ""
				if i == 0 {
					name = o.name
					c = fmt.Sprint(conns)
				}
				fmt.Fprintf(&b, "| %s | %s | %s | %.0f | %s / %s | %d | %d | %d |\n", c, name, way, f.rate, millis(f.p50), millis(f.p99),
					f.cpu.api.Microseconds(), f.cpu.redis.Microseconds(), f.cpu.postgres.Microseconds())
			}
		}
	}
	return b.String()
}

var wayNames = []string{"redis", "sql, PostgreSQL", "sql, SQLite", "jwe, guarded", "jwe, guard none"}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d.Microseconds())/1000) }

// bytesOfEach is what a code costs that waits to be checked, with all of its verification.
func (l *lab) bytesOfEach() string {
	n := size(100_000, 200)
	var b strings.Builder
	fmt.Fprintf(&b, "\n| %d outstanding codes, bytes each | Redis | database | ticket |\n|---|---|---|---|\n", n)
	for _, w := range l.ways {
		l.empty()
		memory, database := l.memory(), l.databaseSize(w)
		all := l.seed(w, n)
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", w.name, (l.memory()-memory)/int64(n), max(0, l.databaseSize(w)-database)/int64(n), len(all[0].ticket))
	}
	l.empty()
	return b.String()
}

func (l *lab) memory() (bytes int64) {
	l.Helper()
	if _, err := fmt.Sscan(l.rdb.InfoMap(l.Context(), "memory").Val()["Memory"]["used_memory"], &bytes); err != nil {
		l.Fatal(err)
	}
	return bytes
}

// databaseSize is that of the table with its indexes, or of the file with its log.
func (l *lab) databaseSize(w way) (bytes int64) {
	l.Helper()
	switch w.name {
	case "sql, PostgreSQL":
		c, err := pgx.Connect(l.Context(), l.postgres)
		if err != nil {
			l.Fatal(err)
		}
		defer func() { _ = c.Close(l.Context()) }()
		if err := c.QueryRow(l.Context(), "SELECT pg_total_relation_size('otpipe_codes')").Scan(&bytes); err != nil {
			l.Fatal(err)
		}
	case "sql, SQLite":
		if info, err := os.Stat(l.sqlite); err == nil {
			bytes = info.Size()
		}
	}
	return bytes
}
