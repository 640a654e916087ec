package supportui

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

const (
	lookEvery   = 500 * time.Millisecond // at a verification that somebody watches
	sayEvery    = 5 * time.Second        // how long ago things were, if nothing else is new
	writeWithin = 5 * time.Second        // else the browser is gone
	watchFor    = 10 * time.Minute       // then the browser asks again
)

// streamFile sends the page's middle part whenever it has changed, as
// Server-Sent Events, and "over" when nothing will change by itself any more.
func (u *UI) streamFile(w http.ResponseWriter, r *http.Request, who otp.Staff) {
	f, ok := u.open(w, r, who)
	if !ok {
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	s := stream{w, http.NewResponseController(w)}
	end, tick := time.After(watchFor), time.NewTicker(lookEvery)
	defer tick.Stop()
	var sent string
	var at time.Time
	for {
		mark := fmt.Sprint(len(f.Steps), f.Status, f.Newest().Status(), f.Allowance.LockedUntil, f.Allowance.Silenced, f.Sendable)
		if mark != sent || time.Since(at) >= sayEvery {
			if s.part(f) != nil {
				return
			}
			sent, at = mark, time.Now()
		}
		if !f.Live() {
			_ = s.event("over", "")
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-u.Stopping:
			return
		case <-end:
			return
		case <-tick.C:
		}
		if f, ok = u.again(r, f); !ok {
			return
		}
	}
}

// again reads a verification once more, for the one who is still in. While the
// store does not answer, the page stays as it is.
func (u *UI) again(r *http.Request, f file) (file, bool) {
	who, in := u.Door.Still(r)
	if !in || !who.Role.Includes(otp.Viewer) {
		return f, false
	}
	ctx, cancel := within(r)
	defer cancel()
	next, err := u.Support.Open(ctx, who, f.ID)
	if err != nil {
		return f, errors.Is(err, otp.ErrStoreUnavailable) && r.Context().Err() == nil
	}
	return file{File: next, Who: who, Acts: offers(next, who)}, true
}

// stream writes events.
type stream struct {
	w  io.Writer
	rc *http.ResponseController
}

func (s stream) part(f file) error {
	var b bytes.Buffer
	if err := filePage.ExecuteTemplate(&b, "life", f); err != nil {
		return err
	}
	return s.event("", b.String())
}

func (s stream) event(name, data string) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	text := "data: " + strings.ReplaceAll(data, "\n", "\ndata: ") + "\n\n"
	if name != "" {
		text = "event: " + name + "\n" + text
	}
	if _, err := io.WriteString(s.w, text); err != nil {
		return err
	}
	return s.rc.Flush()
}
