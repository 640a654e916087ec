package e2e_test

import (
	"net/http"
	"testing"
	"time"
)

// TestADrainedProviderIsLeftByAllWorkersWithinTwoSeconds has two workers deliver
// while an operator takes the provider out, and puts it back.
func TestADrainedProviderIsLeftByAllWorkersWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{})
	one, two := r.startWorker(settings{}), r.startWorker(settings{})
	order := func(what string) {
		t.Helper()
		res := a.do(http.MethodPost, "/v1/providers/twilio/"+what, map[string]string{"reason": "maintenance"})
		if res.status != http.StatusOK {
			t.Fatalf("%s: %d %s", what, res.status, res.body)
		}
	}
	r.ask(a, r.crowd(20))
	order("drain")
	time.Sleep(2 * time.Second) // the time is what is promised
	waiting := r.phones(20)
	ids := r.ask(a, waiting)
	for _, id := range ids {
		eventually(t, 20*time.Second, "it waits", func() bool { return a.get(t, id).waits() })
		if n := a.get(t, id).count("sending"); n > 0 {
			t.Fatalf("%s was handed over, though its provider is drained", id)
		}
	}

	// A worker that starts knows of it before it delivers anything.
	one.kill()
	two.kill()
	more := r.phones(20)
	ids = r.ask(a, more)
	r.startWorker(settings{})
	for _, id := range ids {
		eventually(t, 20*time.Second, "it waits", func() bool { return a.get(t, id).waits() })
		if n := a.get(t, id).count("sending"); n > 0 {
			t.Fatalf("%s was handed over by a worker that had just started", id)
		}
	}
	order("resume")
	r.arrived(30*time.Second, append(waiting, more...)...)
}
