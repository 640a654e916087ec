package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// percentile is the value that p percent do not exceed.
func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

// micros is the share of each of n, in microseconds.
func micros(d time.Duration, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(d) / float64(time.Microsecond) / float64(n)
}

func share(a, b time.Duration) float64 { return float64(a) / max(1, float64(b)) }

func list(all []float64) string {
	var s []string
	for _, f := range all {
		s = append(s, fmt.Sprintf("%.2f", f))
	}
	return "[" + strings.Join(s, " ") + "]"
}
