package e2e_test

import (
	"errors"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
)

// TestAWorkerThatStopsFinishesWhatItHasBegun: the rest is another worker's.
func TestAWorkerThatStopsFinishesWhatItHasBegun(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{})
	first := r.startWorker(settings{SMSConcurrency: 10})
	r.chaos("twilio", devkit.Slow, 0) // two seconds
	var begun atomic.Int32
	r.onRequest(func(url.Values) { begun.Add(1) })
	to := r.phones(30)
	ids := make([]string, len(to))
	all(indices(to), func(i int) { ids[i] = a.start(t, "load", to[i]).ID })
	eventually(t, 30*time.Second, "ten are begun", func() bool { return begun.Load() == 10 })
	first.terminate()
	began := time.Now()
	code := first.exit(t, 30*time.Second)
	took := time.Since(began)
	if code != 0 {
		t.Errorf("the worker ended with %d\n%s", code, first.tail())
	}
	if n := begun.Load(); n != 10 {
		t.Errorf("%d hand-overs were begun, want 10: none after the signal", n)
	}
	written := 0
	for _, id := range ids {
		if a.get(t, id).Delivery.Status == "accepted" {
			written++
		}
	}
	if written != 10 {
		t.Errorf("%d outcomes are written down, want 10", written)
	}
	r.chaos("twilio", devkit.OK, 0)
	began = time.Now()
	r.startWorker(settings{})
	r.arrived(30*time.Second, to...)
	t.Logf("stopped within %s; the other 20 arrived %s later", took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	for i, one := range to {
		if n, v := len(r.inbox(one)), a.get(t, ids[i]); n != 1 || v.count("unknown") > 0 {
			t.Errorf("%s has %d messages: %+v", one, n, v.Timeline)
		}
	}
	r.nothingLeft()
}

// TestAWorkerThatStopsUnderLoadHandsOverAtOnce stops one of two workers under load: what
// it had queued goes to the other within a moment.
func TestAWorkerThatStopsUnderLoadHandsOverAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{})
	r.startWorker(settings{})
	for range 3 {
		w := r.startWorker(settings{})
		to := r.phones(100)
		limit := make(chan struct{}, 8)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			all(to, func(one string) {
				limit <- struct{}{}
				defer func() { <-limit }()
				a.ask("load", one)
			})
		}()
		eventually(t, 30*time.Second, "some are there", func() bool { return len(r.inbox(to[0])) > 0 || len(r.inbox(to[50])) > 0 || len(r.inbox(to[99])) > 0 })
		w.terminate()
		<-sent
		began := time.Now()
		r.arrived(30*time.Second, to...)
		t.Logf("the last arrived %s after it was asked for", time.Since(began).Round(time.Millisecond))
		if code := w.exit(t, 30*time.Second); code != 0 {
			t.Errorf("the worker ended with %d", code)
		}
		for _, one := range to {
			if n := len(r.inbox(one)); n != 1 {
				t.Errorf("%s has %d messages", one, n)
			}
		}
	}
	r.nothingLeft()
}

// TestAnAPIThatStopsAnswersEveryRequestItTook stops an api under load, with
// clients that keep their connections and clients that do not. A request gets a
// whole answer or no connection, and what was answered 202 is delivered.
func TestAnAPIThatStopsAnswersEveryRequestItTook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.startWorker(settings{})
	for range 3 {
		for _, keep := range []bool{true, false} {
			r.stopUnderLoad(keep)
		}
	}
}

func (r *rig) stopUnderLoad(keep bool) {
	r.Helper()
	a := r.startAPI(settings{})
	tr, _ := a.http.Transport.(*http.Transport)
	tr.DisableKeepAlives = !keep
	var mu sync.Mutex
	var promised []string
	var unclear []unanswered
	var answered atomic.Int32
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		all(make([]int, 16), func(int) {
			for {
				to := r.phone()
				got := a.ask("load", to)
				if errors.Is(got.err, syscall.ECONNREFUSED) {
					return
				}
				mu.Lock()
				if got.status == http.StatusAccepted && got.err == nil {
					promised = append(promised, to)
					answered.Add(1)
				} else {
					unclear = append(unclear, unanswered{to, got})
				}
				mu.Unlock()
			}
		})
	}()
	eventually(r, 30*time.Second, "it is under load", func() bool { return answered.Load() > 200 })
	a.terminate()
	began := time.Now()
	code := a.exit(r, 30*time.Second)
	took := time.Since(began)
	<-loaded
	if code != 0 {
		r.Errorf("the api ended with %d", code)
	}
	r.arrived(30*time.Second, promised...)
	resets := 0
	for _, u := range unclear {
		taken := len(r.inbox(u.to)) > 0
		if !keep && !taken && errors.Is(u.got.err, syscall.ECONNRESET) {
			resets++ // the kernel had made the connection, and the api had not seen it
			continue
		}
		r.Errorf("kept connections: %t: cut off, though a code was sent: %t: %v", keep, taken, u.got)
	}
	r.Logf("kept connections: %t: stopped within %s; %d answered 202 and delivered, %d reset before they were seen", keep, took.Round(time.Millisecond), len(promised), resets)
}

// unanswered is a request that got no whole answer.
type unanswered struct {
	to  string
	got answer
}
