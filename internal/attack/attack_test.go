// Package attack_test attacks the real processes from outside: over HTTP, on a
// real redis-server, as somebody would who has their addresses and, where it says
// so, a key. It counts what got through and knows what may.
//
// go test runs a short form that bounds no time; make attack runs the long one
// and prints the table of docs/security.md.
package attack_test

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/otpipe/otpipe/internal/processtest"
	"github.com/otpipe/otpipe/internal/redistest"
)

var (
	// long makes the attacks large: set LONG.
	long   = os.Getenv("LONG") != ""
	update = flag.Bool("update", false, "write the table into docs/security.md")
)

func TestMain(m *testing.M) { os.Exit(processtest.Main(m, 6)) }

// attack is one way of getting what one may not have.
type attack struct {
	name string
	what string // was tried
	due  string // why as much as may gets through, or nothing
	most bool   // what may get through is an upper bound
	slow bool   // in the long form only
	calm bool   // it measures time: nothing runs beside it
	play func(*raid)

	// Or it needs a clock that can be moved; see playDays.
	way   func(*raid) *guesser
	ahead func(*raid, *redistest.Clock)
}

// attacks are all of them, in the order of the table.
func attacks() (all []attack) {
	for _, group := range [][]attack{
		guesses(), days(), limits(), tolls(), spellings(), replays(), receipts(), keys(), words(), wire(), timings(),
	} {
		all = append(all, group...)
	}
	return all
}

// either chooses between the short and the long form.
func either[T any](short, lengthy T) T {
	if long {
		return lengthy
	}
	return short
}

func TestAttacks(t *testing.T) {
	rows := &table{rows: map[string]row{}}
	t.Cleanup(func() { rows.publish(t) })
	at := open(t)
	t.Run("play", func(t *testing.T) {
		t.Run("days", func(t *testing.T) { t.Parallel(); playDays(t, rows) })
		for _, a := range attacks() {
			if a.play == nil || a.slow && !long {
				continue
			}
			t.Run(a.name, func(t *testing.T) {
				if !a.calm {
					t.Parallel()
				}
				r := &raid{TB: t, target: at}
				a.play(r)
				rows.add(r.row(a))
			})
		}
	})
	for _, a := range last {
		t.Run(a.name, func(t *testing.T) {
			r := &raid{TB: t, target: at}
			a.play(r)
			rows.add(r.row(a))
		})
	}
}

// last come when all others are over: they look at what these have left behind.
var last = []attack{logs, search}

const security = "../../docs/security.md"

// marked is where the table stands in docs/security.md.
var marked = regexp.MustCompile(`(?s)(<!-- attacks -->\n).*(<!-- /attacks -->)`)

// table collects what came of the attacks.
type table struct {
	mu   sync.Mutex
	rows map[string]row
}

func (t *table) add(r row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows[r.attack] = r
}

// String is the table in Markdown, in the order of the attacks.
func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	b.WriteString(heading)
	for _, name := range names() {
		if r, played := t.rows[name]; played {
			b.WriteString(r.String() + "\n")
		}
	}
	return b.String()
}

// publish prints the table, and writes it into the docs if it is asked to.
func (t *table) publish(tb testing.TB) {
	text := t.String()
	tb.Log("\n" + text)
	if !*update || tb.Failed() {
		return
	}
	page, err := os.ReadFile(security)
	if err != nil {
		tb.Fatal(err)
	}
	page = marked.ReplaceAll(page, []byte("${1}"+strings.ReplaceAll(text, "$", "$$")+"${2}"))
	if err := os.WriteFile(security, page, 0o600); err != nil {
		tb.Fatal(err)
	}
}

func names() (all []string) {
	for _, a := range append(attacks(), last...) {
		all = append(all, a.name)
	}
	return all
}

// TestThePageOfSecurityKnowsEveryAttack keeps the table from growing old.
func TestThePageOfSecurityKnowsEveryAttack(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(security)
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for line := range strings.Lines(string(marked.Find(page))) {
		if cells := strings.Split(line, " | "); len(cells) == 4 && cells[0] != "| attack" {
			named = append(named, strings.TrimPrefix(cells[0], "| "))
		}
	}
	if known := names(); !slices.Equal(named, known) {
		t.Errorf("docs/security.md has %q\nand there are %q: run make attack ATTACK=-update", named, known)
	}
}
