package e2e_test

import (
	"net/url"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
	"github.com/otpipe/otpipe/internal/redistest"
)

// TestAnAcceptedSendIsNotSentAgainAfterRedisWasAway takes Redis away while
// vendors are being asked, for less and for longer than a lease: the workers live,
// know what the vendors said, and write it down before anybody sends again.
func TestAnAcceptedSendIsNotSentAgainAfterRedisWasAway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		time        time.Duration
		away, again func(*redistest.Server)
	}{
		{"killed for a moment", 2500 * time.Millisecond, (*redistest.Server).Kill, func(s *redistest.Server) { s.Restart(t) }},
		{"killed for longer than a lease", 14 * time.Second, (*redistest.Server).Kill, func(s *redistest.Server) { s.Restart(t) }},
		{"frozen for longer than a lease", 14 * time.Second, (*redistest.Server).Freeze, (*redistest.Server).Thaw},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "--appendonly", "yes", "--appendfsync", "always")
			a := r.startAPI(settings{})
			r.startWorker(settings{})
			r.startWorker(settings{})
			r.chaos("twilio", devkit.Slow, 0)
			r.chaos("smtp", devkit.Slow, 4) // as many as it does at a time
			to := r.phones(20)
			for range 4 {
				to = append(to, r.mailbox())
			}
			ids := make([]string, len(to))
			// On a busy disk a sync may take longer than the api waits for an answer.
			all(indices(to), func(i int) { ids[i] = a.startInsisting(t, "load", to[i]).ID })
			for _, id := range ids {
				eventually(t, 30*time.Second, "it is being handed over", func() bool { return a.get(t, id).Delivery.Status != "queued" })
			}
			c.away(r.redis)
			time.Sleep(c.time) // the time is what is tested
			r.chaos("twilio", devkit.OK, 0)
			r.chaos("smtp", devkit.OK, 0)
			c.again(r.redis)
			eventually(t, 30*time.Second, "the api works", func() bool { return a.do("GET", "/v1/verifications/"+ids[0], nil).status == 200 })
			twice := 0
			for i, id := range ids {
				eventually(t, 20*time.Second, id+" is written down", func() bool { v := a.get(t, id); return v.count("accepted")+v.count("sent") > 0 })
				if n := len(r.inbox(to[i])); n != 1 {
					twice++
					t.Logf("%s has %d messages", to[i], n)
				}
			}
			if twice > 0 {
				t.Errorf("%d of %d were sent again though their worker knew that they had been accepted", twice, len(ids))
			}
			r.nothingLeft()
		})
	}
}

// TestAWorkerFrozenForLongerThanItsLeaseChangesNothingWhenItWakes stops a worker
// in mid-send; another one takes over; then the first goes on.
func TestAWorkerFrozenForLongerThanItsLeaseChangesNothingWhenItWakes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{})
	frozen := r.startWorker(settings{})
	var asked atomic.Int32
	free := make(chan struct{})
	r.onRequest(func(url.Values) {
		if asked.Add(1) <= 20 {
			<-free
		}
	})
	to := r.phones(20)
	ids := make([]string, len(to))
	all(indices(to), func(i int) { ids[i] = a.start(t, "load", to[i]).ID })
	eventually(t, 30*time.Second, "all are with the vendor", func() bool { return asked.Load() == 20 })
	_ = frozen.cmd.Process.Signal(syscall.SIGSTOP)
	r.startWorker(settings{})
	r.arrived(20*time.Second, to...)
	before := make([]told, len(ids))
	for i, id := range ids {
		eventually(t, 30*time.Second, "the second worker writes it down", func() bool { before[i] = a.get(t, id); return before[i].Delivery.Status == "accepted" })
	}
	close(free)
	_ = frozen.cmd.Process.Signal(syscall.SIGCONT)
	eventually(t, 30*time.Second, "the first worker goes on", func() bool { return frozen.said(`"reason":"timeout"`) || frozen.said(`"state":"accepted"`) })
	frozen.terminate()
	if code := frozen.exit(t, 30*time.Second); code != 0 {
		t.Errorf("the first worker ended with %d", code)
	}
	for i, id := range ids {
		after := a.get(t, id)
		if after.Delivery.Status != "accepted" || after.count("sending") != 2 {
			t.Errorf("%+v became %+v", before[i], after)
		}
		got := r.inbox(to[i])
		if len(got) > 2 {
			t.Errorf("%s has %d messages", to[i], len(got))
		}
		for _, m := range got {
			if m.Code != got[0].Code {
				t.Errorf("%s has two codes", to[i])
			}
		}
	}
	r.nothingLeft()
}
