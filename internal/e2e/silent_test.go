package e2e_test

import (
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
