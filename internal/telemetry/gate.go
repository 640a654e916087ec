package telemetry

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/otpipe/otpipe/internal/deliver"
)

var (
	breakerState = prometheus.NewDesc("otpipe_breaker_state",
		"1 for the state of this worker's breaker, by provider and channel: closed, half_open or open.", []string{"provider", "channel", "state"}, nil)
	providerClosed = prometheus.NewDesc("otpipe_provider_closed",
		"1 while workers use a provider no more: drained by an operator, paused because it asked for it, tripped by another worker's advice.", []string{"provider", "why"}, nil)
)

// Gate reports how this worker's breakers stand, and what is known of the
// providers, whenever the metrics are read. A later gate takes the place of an
// earlier one.
func (m *Metrics) Gate(g *deliver.Gate) {
	if m.gate.now.Swap(g) == nil {
		m.registry.MustRegister(&m.gate)
	}
}

type gate struct{ now atomic.Pointer[deliver.Gate] }

// Describe is for prometheus.
func (g *gate) Describe(ch chan<- *prometheus.Desc) {
	ch <- breakerState
	ch <- providerClosed
}

// Collect is for prometheus.
func (g *gate) Collect(out chan<- prometheus.Metric) {
	now := g.now.Load()
	for line, b := range now.Breakers {
		is := b.State()
		for _, state := range deliver.BreakerStates {
			out <- prometheus.MustNewConstMetric(breakerState, prometheus.GaugeValue, one(state == is), line.Provider, string(line.Channel), state)
		}
	}
	for _, name := range now.Providers {
		s := now.Known(name)
		out <- prometheus.MustNewConstMetric(providerClosed, prometheus.GaugeValue, one(s.Drained != nil), name, "drained")
		out <- prometheus.MustNewConstMetric(providerClosed, prometheus.GaugeValue, one(s.Paused > 0), name, "paused")
		out <- prometheus.MustNewConstMetric(providerClosed, prometheus.GaugeValue, one(len(s.Tripped) > 0), name, "tripped")
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
