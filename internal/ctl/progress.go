package ctl

import (
	"fmt"
	"time"
)

// waiting says, to somebody who has waited for a second, what is waited for. The
// line goes when done is called. It is for terminals only, and never on standard
// output.
func (s *screen) waiting(what string) (done func()) {
	if !s.live {
		return func() {}
	}
	over, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		s.tick(what, over)
	}()
	return func() { close(over); <-gone }
}

// tick writes the line each second, and clears it at the end.
func (s *screen) tick(what string, over <-chan struct{}) {
	began := time.Now()
	each := time.NewTicker(time.Second)
	defer each.Stop()
	for written := false; ; written = true {
		select {
		case <-over:
			if written {
				_, _ = fmt.Fprint(s.err, "\r\x1b[K")
			}
			return
		case <-each.C:
			_, _ = fmt.Fprintf(s.err, "\r\x1b[K%s … %s", what, time.Since(began).Round(time.Second))
		}
	}
}
