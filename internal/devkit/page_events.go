package devkit

import (
	"io"
	"net/http"
	"slices"
	"time"
)

const chaosCheck = time.Second

// sendEvents tells the page when to look again: at once, because something may
// have come since the page was made, and then at every change.
func (w *Web) sendEvents(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/event-stream")
	answer := http.NewResponseController(rw)
	_ = answer.SetWriteDeadline(time.Time{}) // a stream has no end to meet
	for {
		changed, before := w.Inbox.Changed(), w.Chaos.States()
		if _, err := io.WriteString(rw, "data: changed\n\n"); err != nil {
			return
		}
		if err := answer.Flush(); err != nil || !w.waitForChange(r, changed, before) {
			return
		}
	}
}

// waitForChange returns false when nobody listens any more. Vendors use up their
// plans without a word, so they are looked at.
func (w *Web) waitForChange(r *http.Request, changed <-chan struct{}, before []State) bool {
	check := time.NewTicker(chaosCheck)
	defer check.Stop()
	for {
		select {
		case <-r.Context().Done():
			return false
		case <-changed:
			return true
		case <-check.C:
			if !slices.Equal(before, w.Chaos.States()) {
				return true
			}
		}
	}
}
