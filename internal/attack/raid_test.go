package attack_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// raid is one run of an attack, which keeps the score.
type raid struct {
	testing.TB
	*target
	tried  atomic.Int64
	got    atomic.Int64 // through
	may    int64        // get through
	result string       // instead of a number
}

// tries counts what is tried.
func (r *raid) tries(n int) { r.tried.Add(int64(n)) }

// through counts what got through and perhaps may.
func (r *raid) through(n int) { r.got.Add(int64(n)) }

// broken is called with what got through and may not.
func (r *raid) broken(format string, args ...any) {
	r.Helper()
	r.got.Add(1)
	r.Errorf("GOT THROUGH: "+format, args...)
}

// atOnce calls f so many times, each time from a goroutine of its own, and waits.
func (r *raid) atOnce(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// row is the score, and fails the attack where it is not as it should be.
func (r *raid) row(a attack) row {
	r.Helper()
	got, may := r.got.Load(), r.may
	if less := got < may && !a.most; got > may || less && r.heard.lost.Load() == 0 {
		r.Errorf("%d got through, and %d may: %s", got, may, a.due)
	}
	due := thousands(int(may))
	if a.most && may > 0 {
		due = "at most " + due
	}
	if a.due != "" {
		due += ": " + a.due
	}
	through := thousands(int(got))
	if r.result != "" {
		through, due = r.result, a.due
	}
	return row{a.name, thousands(int(r.tried.Load())) + " " + a.what, through, due}
}

// row is a line of the table.
type row struct{ attack, tried, through, due string }

const heading = `| attack | tried | got through | may |
|---|---|---|---|
`

// String is the row in Markdown.
func (r row) String() string {
	return fmt.Sprintf("| %s | %s | %s | %s |", r.attack, r.tried, r.through, r.due)
}

// thousands writes a number as 10,000.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
