package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/devkit"
)

// TestATwilioThatSendsNoReceiptsIsAskedAndHearsWhatWasUsed runs without a public
// URL, so that Twilio cannot report.
func TestATwilioThatSendsNoReceiptsIsAskedAndHearsWhatWasUsed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{})
	r.startWorker(settings{Worker: `ask_after = "5s"`})
	to, lost := r.phone(), r.phone()
	v := a.start(t, "load", to)
	a.check(t, "load", to, r.code(to, 20*time.Second))
	r.chaos("twilio", devkit.Undelivered, 1)
	w := a.start(t, "load", lost)

	eventually(t, 40*time.Second, "delivered", func() bool { return a.get(t, v.ID).Delivery.Status == "delivered" })
	var ref string
	for _, s := range a.get(t, v.ID).Timeline {
		if s.Ref != "" {
			ref = s.Ref
		}
	}
	eventually(t, 20*time.Second, "Twilio heard of "+ref, func() bool { return r.world.Twilio.Confirmed(ref) })

	eventually(t, 40*time.Second, "undelivered", func() bool { return a.get(t, w.ID).Delivery.Status == "undelivered" })
}

// TestADrainedProviderIsLeftByAllWorkersWithinTwoSeconds has two workers deliver
// while an operator takes the provider out, and puts it back.
func TestADrainedProviderIsLeftByAllWorkersWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.startAPI(settings{})
	r.startWorker(settings{})
	r.startWorker(settings{})
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
	order("resume")
	r.arrived(30*time.Second, waiting...)
}
