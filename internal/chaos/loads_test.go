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

// tolerated is how many times its usual p99 the api's may be while a vendor hangs.
// The aim is 1.5; the ten slowest of a thousand starts tell that only on a machine
// without other work.
const tolerated = 3

// apiWhileHanging compares the answers to starts with those of a house whose vendor
// is well. Both are asked in turn, so that what else the machine does hits both.
func apiWhileHanging(h *house) {
	h.patience = 4 * time.Minute
	calm := open(h.TB, scenario{})
	h.worker()
	calm.worker()
	h.beside(calm, 50) // warms up
	h.settled()
	h.primary.does(hangs)
	hanging, usual := h.beside(calm, either(100, 1000))
	ratio := float64(hanging) / float64(usual)
	h.remark = fmt.Sprintf("p99 of a start %.1f ms, beside a healthy vendor %.1f ms: %.2f×", millis(hanging), millis(usual), ratio)
	if long && ratio > tolerated {
		h.Errorf("%s", h.remark)
	}
}

// beside asks for codes in two houses, and returns the p99 of both.
func (h *house) beside(other *house, n int) (mine, others time.Duration) {
	to := h.phones(n)
	first, second := make([]time.Duration, n), make([]time.Duration, n)
	h.pace(to, 20*time.Millisecond, func(i int) {
		if i%2 == 0 {
			second[i] = other.insist(to[i]).took
		}
		first[i] = h.insist(to[i]).took
		if i%2 == 1 {
			second[i] = other.insist(to[i]).took
		}
	})
	return p99(first), p99(second)
}

// p99 is what all but one of a hundred answers do not exceed.
func p99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)*99/100]
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
