// Package chaos_test is a bench of faults. It runs the real processes on a real
// redis-server against vendors that fail as they are told, and keeps a ledger of
// what was asked for and what arrived: no code may be lost, and none may arrive
// twice but in the moments of which nobody can know.
//
// go test runs a short form that bounds no time; make chaos runs the long one and
// prints the table of docs/reliability.md.
package chaos_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/processtest"
)

var (
	// long makes the scenarios large: set CHAOS.
	long   = os.Getenv("LONG") != ""
	update = flag.Bool("update", false, "write the table into docs/reliability.md")
)

// These tests wait more than they work.
func TestMain(m *testing.M) { os.Exit(processtest.Main(m, 10)) }

// scenario is one way of being unkind.
type scenario struct {
	name      string
	play      func(*house)
	twice     string // why nobody can know whether the code arrived; "": all is known
	told      string // why a code may end as not delivered; "": none may
	silent    bool   // the vendors report nothing
	alone     bool   // it measures time: nothing runs beside its long form
	sentinels bool   // Redis is a master that sentinels replace, with replicas
	linger    bool   // the queue has time to run a dead worker's tasks again
	fsync     string // appendfsync of Redis; "": everysec
}

// scenarios are all of them, in the order of the table.
func scenarios() (all []scenario) {
	for _, group := range [][]scenario{crashes(), outages(), vendors(), mails(), receipts(), loads()} {
		all = append(all, group...)
	}
	return all
}

// afterlife is longer than asynq takes to run a dead worker's tasks again.
const afterlife = 2 * time.Minute

func TestChaosLosesNothing(t *testing.T) {
	var mu sync.Mutex
	rows := map[string]row{}
	t.Cleanup(func() { publish(t, table(rows)) })
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			if !s.alone || !long {
				t.Parallel()
			}
			h := open(t, s)
			s.play(h)
			h.settled()
			if s.linger && long {
				time.Sleep(afterlife) // the time is what is tested
			}
			r := h.account(s)
			mu.Lock()
			defer mu.Unlock()
			rows[s.name] = r
		})
	}
}

// either chooses between the short and the long form.
func either[T any](short, lengthy T) T {
	if long {
		return lengthy
	}
	return short
}

const reliability = "../../docs/reliability.md"

// marked is where the table stands in docs/reliability.md.
var marked = regexp.MustCompile(`(?s)(<!-- chaos -->\n).*(<!-- /chaos -->)`)

// publish prints the table, and writes it into the docs if it is asked to.
func publish(t *testing.T, table string) {
	t.Log("\n" + table)
	if !*update || t.Failed() {
		return
	}
	page, err := os.ReadFile(reliability)
	if err != nil {
		t.Fatal(err)
	}
	page = marked.ReplaceAll(page, []byte("${1}"+strings.ReplaceAll(table, "$", "$$")+"${2}"))
	if err := os.WriteFile(reliability, page, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestThePageOfReliabilityKnowsEveryScenario keeps the table from growing old.
func TestThePageOfReliabilityKnowsEveryScenario(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(reliability)
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for line := range strings.Lines(string(marked.Find(page))) {
		if cells := strings.Split(line, " | "); len(cells) == 8 && cells[0] != "| scenario" {
			named = append(named, strings.TrimPrefix(cells[0], "| "))
		}
	}
	var known []string
	for _, s := range scenarios() {
		known = append(known, s.name)
	}
	if fmt.Sprint(named) != fmt.Sprint(known) {
		t.Errorf("docs/reliability.md has %q\nand the bench %q: run make chaos", named, known)
	}
}
