package storebench_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/otpipe/otpipe/internal/pgtest"
)

// outages stop the servers that there are under checks of each way.
func (l *lab) outages() string {
	var b strings.Builder
	down := time.Duration(size(10_000, 1_000)) * time.Millisecond
	fmt.Fprintf(&b, "\n| stopped for %s under wrong checks | codes | answered | refused (503) | slowest | first answer after |\n|---|---|---|---|---|---|\n", down)
	for _, w := range l.ways {
		b.WriteString(l.outage(w, "Redis", down, l.redis.Kill, func() { l.redis.Restart(l) }))
	}
	for _, w := range l.ways[:2] {
		open := func() {}
		b.WriteString(l.outage(w, "PostgreSQL", down, func() { open = pgtest.Shut(l, l.postgres) }, func() { open() }))
	}
	return b.String()
}

// outage has people check all the while.
func (l *lab) outage(w way, server string, down time.Duration, stop, start func()) string {
	l.Helper()
	l.empty()
	all := l.seed(w, 400)
	done := make(chan struct{})
	var mu sync.Mutex
	var answered, refused int
	var slowest time.Duration
	var up, first time.Time // it was started again, and the first answer after that
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			c := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
			defer c.CloseIdleConnections()
			for i := worker; ; i += 4 {
				select {
				case <-done:
					return
				case <-time.After(5 * time.Millisecond):
				}
				sent := time.Now()
				status, answer, err := w.ask(c, operations[1].path, operations[1].body(w, all[i%len(all)]))
				mu.Lock()
				slowest = max(slowest, time.Since(sent))
				switch {
				case err == nil && (status == http.StatusOK || status == http.StatusTooManyRequests): // some are locked in the end
					answered++
					if !up.IsZero() && first.IsZero() && sent.After(up) {
						first = time.Now()
					}
				case err == nil && status == http.StatusServiceUnavailable:
					refused++
				default:
					l.Errorf("%s: unexpected %d: %s, %v", w.name, status, answer, err)
				}
				mu.Unlock()
			}
		})
	}
	time.Sleep(500 * time.Millisecond)
	stop()
	time.Sleep(down)
	start()
	mu.Lock()
	up = time.Now()
	mu.Unlock()
	time.Sleep(time.Duration(size(3_000, 1_000)) * time.Millisecond)
	close(done)
	wg.Wait()
	after := "never"
	if !first.IsZero() {
		after = millis(first.Sub(up)) + " ms"
	}
	if !slices.Contains([]string{"jwe, guard none"}, w.name) && server == "Redis" && refused == 0 {
		l.Errorf("%s: nothing was refused while Redis was away", w.name)
	}
	if first.IsZero() {
		l.Errorf("%s: it does not come back by itself", w.name)
	}
	return fmt.Sprintf("| %s | %s | %d | %d | %s ms | %s |\n", server, w.name, answered, refused, millis(slowest), after)
}
