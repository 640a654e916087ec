package chaos_test

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// loads are measured; nothing runs beside them.
func loads() []scenario {
	return []scenario{
		{name: "every vendor call takes 200 ms, under full load", play: slowUnderLoad, alone: true},
		{name: "api while the vendor hangs", play: apiWhileHanging, alone: true},
	}
}

// slowUnderLoad asks for codes faster than they can be delivered.
func slowUnderLoad(h *house) {
	h.patience = 3 * time.Minute
	h.primary.does(after(200*time.Millisecond, takes))
	h.worker()
	h.worker()
	to := h.phones(of(300, 10_000))
	began := time.Now()
	h.ask(to)
	asked := time.Since(began)
	until(h, h.patience, "all have arrived", func() bool { return h.ledger.reached(to) == len(to) })
	took := time.Since(began)
	h.remark = fmt.Sprintf("asked for within %s, delivered at %.0f a second by two workers", brief(asked), float64(len(to))/took.Seconds())
}

// tolerated is how many times its usual p99 the api's may be while a vendor hangs:
// a few hundred starts on a machine with other work do not tell 1.0 from 2.0.
const tolerated = 3

// apiWhileHanging compares the answers to starts with those while every hand-over
// hangs.
func apiWhileHanging(h *house) {
	h.worker()
	measure := func() time.Duration {
		return p99(h.stream(h.phones(of(100, 600)), 20*time.Millisecond))
	}
	measure() // warms up
	h.settled()
	usual := measure()
	h.settled()
	h.primary.does(hangs)
	hanging := measure()
	ratio := float64(hanging) / float64(usual)
	h.remark = fmt.Sprintf("p99 of a start %.1f ms, before %.1f ms: %.2f×", millis(hanging), millis(usual), ratio)
	if long && ratio > tolerated {
		h.Errorf("%s", h.remark)
	}
}

// p99 is what all but one of a hundred answers do not exceed.
func p99(answers []answer) time.Duration {
	var took []time.Duration
	for _, a := range answers {
		if a.status == http.StatusAccepted {
			took = append(took, a.took)
		}
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
