package chaos_test

import (
	"fmt"
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
	to := h.phones(either(300, 10_000))
	began := time.Now()
	h.ask(to)
	asked := time.Since(began)
	h.arrived(to)
	took := time.Since(began)
	h.remark = fmt.Sprintf("asked for within %s, delivered at %.0f a second by two workers", brief(asked), float64(len(to))/took.Seconds())
}

// tolerated is how many times its usual p99 the api's may be while a vendor hangs:
// a few hundred starts on a machine with other work do not tell 1.0 from 2.0.
const tolerated = 3

// apiWhileHanging compares the answers to starts with those while every hand-over
// hangs: the median p99 of some rounds, for a single one is the machine's as much.
func apiWhileHanging(h *house) {
	h.patience = 4 * time.Minute
	h.worker()
	h.startRounds(1) // warm-up
	usual := h.startRounds(either(1, 3))
	h.settled()
	h.primary.does(hangs)
	hanging := h.startRounds(either(1, 3))
	ratio := float64(hanging) / float64(usual)
	h.remark = fmt.Sprintf("p99 of a start %.1f ms, before %.1f ms: %.2f×", millis(hanging), millis(usual), ratio)
	if long && ratio > tolerated {
		h.Errorf("%s", h.remark)
	}
}

// startRounds asks for codes, and returns the median of the rounds' p99.
func (h *house) startRounds(n int) time.Duration {
	var all []time.Duration
	for range n {
		all = append(all, p99(h.stream(h.phones(either(100, 300)), 20*time.Millisecond)))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// p99 is what all but one of a hundred answers do not exceed.
func p99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)*99/100]
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
