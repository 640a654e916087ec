package attack_test

import (
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// tolerance is how far the times for two kinds of recipients may be apart: less than
// what the way there differs by from one request to the next. A recipient is
// locked after five checks, so that nobody has many to take a mean of.
const tolerance = 500 * time.Microsecond

func timings() []attack {
	due := fmt.Sprintf("under %s apart, with 99.9 %% confidence", tolerance)
	return []attack{
		{name: "how long a check takes", what: "checks, half of them of recipients with a live code", due: due, slow: true, calm: true, play: checkTimes},
		{name: "how long a start takes", what: "starts, half of them for recipients with a live code", due: due, slow: true, calm: true, play: startTimes},
		{name: "how long a decoy takes", what: "starts, half of them for decoys", due: due, slow: true, calm: true, play: decoyTimes},
	}
}

const samples = 3000

func checkTimes(r *raid) {
	known := r.phones(samples)
	r.atOnce(16, func(w int) {
		for i := w; i < len(known); i += 16 {
			r.owner.start("open", known[i])
		}
	})
	r.apart(known, func(to string) answer {
		_, a := r.owner.guess("open", to, "0000000000")
		return a
	}, http.StatusOK)
}

func startTimes(r *raid) {
	known := r.phones(samples)
	r.atOnce(16, func(w int) {
		for i := w; i < len(known); i += 16 {
			r.owner.start("open", known[i])
		}
	})
	r.apart(known, func(to string) answer { return r.owner.start("open", to) }, http.StatusAccepted)
}

func decoyTimes(r *raid) {
	all, decoy := r.phones(samples), map[string]bool{}
	for _, to := range all {
		decoy[to] = true
	}
	r.apart(all, func(to string) answer {
		return r.owner.insist("/v1/verifications", fields{"namespace": "open", "to": to, "decoy": decoy[to]})
	}, http.StatusAccepted)
}

// apart asks about the known and about as many unknown recipients, drawn by lot: the
// work that one leaves to the worker slows down whoever comes next. It says how far
// the medians are apart, with the interval that a bootstrap gives.
func (r *raid) apart(known []string, ask func(to string) answer, status int) {
	all, is := slices.Concat(known, r.phones(len(known))), map[string]bool{}
	for _, to := range known {
		is[to] = true
	}
	mathrand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var with, without []time.Duration
	for _, to := range all {
		began := time.Now()
		a := ask(to)
		took := time.Since(began)
		switch {
		case a.status != status:
			r.Errorf("%s: %v", to, a)
		case is[to]:
			with = append(with, took)
		default:
			without = append(without, took)
		}
	}
	r.tries(2 * len(known))
	low, high := bootstrap(with, without, 2000, 0.001)
	if max(low.Abs(), high.Abs()) > tolerance {
		r.broken("the medians are %s to %s apart", low, high)
	}
	apart := median(with) - median(without)
	r.result = fmt.Sprintf("%d µs apart, of %d µs (%d to %d µs)", apart.Microseconds(), median(without).Microseconds(), low.Microseconds(), high.Microseconds())
}

func median(d []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)/2]
}

// bootstrap is the interval in which the difference of two medians lies with a
// probability of error of p.
func bootstrap(a, b []time.Duration, rounds int, p float64) (low, high time.Duration) {
	again := func(d []time.Duration) time.Duration {
		drawn := make([]time.Duration, len(d))
		for i := range drawn {
			drawn[i] = d[mathrand.IntN(len(d))]
		}
		return median(drawn)
	}
	apart := make([]time.Duration, rounds)
	for i := range apart {
		apart[i] = again(a) - again(b)
	}
	slices.Sort(apart)
	cut := int(math.Ceil(float64(rounds) * p / 2))
	return apart[cut], apart[rounds-1-cut]
}
