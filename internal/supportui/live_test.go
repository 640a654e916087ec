package supportui_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// watch opens the stream of a verification and returns its events.
func (r *rig) watch(o otp.Order) <-chan string {
	r.t.Helper()
	return r.watchAt(r.server, http.DefaultClient, o)
}

func (r *rig) watchAt(s *httptest.Server, c *http.Client, o otp.Order) <-chan string {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, s.URL+path(o)+"/live", nil)
	r.must(err)
	res, err := c.Do(req)
	r.must(err)
	if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != "text/event-stream" {
		r.t.Fatalf("%d %s", res.StatusCode, got)
	}
	events := make(chan string)
	go func() {
		defer res.Body.Close()
		defer close(events)
		var event strings.Builder
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if lines.Text() != "" {
				event.WriteString(lines.Text() + "\n")
				continue
			}
			select {
			case events <- event.String():
			case <-r.t.Context().Done():
				return
			}
			event.Reset()
		}
	}()
	return events
}

// next waits for an event that says something; false if the stream ends before.
func next(t *testing.T, events <-chan string, text string) bool {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case e, open := <-events:
			if !open || strings.Contains(e, text) {
				return open
			}
		case <-late:
			t.Fatalf("no event says %q", text)
		}
	}
}

func TestAStreamEndsWhenNothingGoesOnAnyMore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	events := r.watch(o)
	if !next(t, events, "Asked for a moment ago") {
		t.Fatal("it ended at once")
	}
	r.must(r.store.Cancel(t.Context(), o.ID))
	if !next(t, events, "Canceled by the product") || !next(t, events, "event: over") || next(t, events, "anything") {
		t.Error("it does not end")
	}
}

// A stream lasts longer than any answer may take.
func TestAStreamOutlivesTheServersTimeouts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.start(asked{})
	const limit = 500 * time.Millisecond
	for _, protocol := range []int{1, 2} {
		s := httptest.NewUnstartedServer(r.server.Config.Handler)
		s.EnableHTTP2 = protocol == 2
		s.Config.ReadTimeout, s.Config.WriteTimeout = limit, limit
		s.StartTLS()
		t.Cleanup(s.Close)
		c := s.Client()
		events := r.watchAt(s, c, o)
		if !next(t, events, "Asked for") {
			t.Fatalf("HTTP/%d: it ended at once", protocol)
		}
		time.Sleep(3 * limit)
		select {
		case _, open := <-events:
			if !open {
				t.Errorf("HTTP/%d: it ended after %s", protocol, 3*limit)
			}
		case <-time.After(2 * limit):
		}
	}
}

func TestAStreamEndsForWhoIsOut(t *testing.T) {
	t.Parallel()
	for name, who := range map[string]otp.Staff{
		"signed out": {}, "no role": {Name: "vera"}, "other namespaces": {Name: "vera", Role: otp.Viewer, Namespaces: []otp.Namespace{otp.AddEmail}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			o := r.start(asked{})
			events := r.watch(o)
			next(t, events, "Asked for")
			r.enter(who)
			r.accept(o)
			if next(t, events, "Taken by twilio") {
				t.Error("they still see it")
			}
		})
	}
}

func TestAStreamEndsWhenTheProcessStops(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	events := r.watch(r.start(asked{}))
	next(t, events, "Asked for")
	r.stopped()
	if next(t, events, "never said") {
		t.Error("it goes on")
	}
}
