package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Audit are the counters of the audit trail.
type Audit struct {
	kept, missed    prometheus.Counter
	behind, failing prometheus.Gauge
}

// Audit makes the counters of the audit trail. It is called at most once.
func (m *Metrics) Audit() *Audit {
	a := &Audit{
		kept: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "otpipe_audit_records_total",
			Help: "Records that were kept.",
		}),
		missed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "otpipe_audit_missed_total",
			Help: "Events that were trimmed from the store's streams before they were kept. The trail says so too.",
		}),
		behind: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "otpipe_audit_behind_seconds",
			Help: "The age of the oldest event of this worker's last round; 0 if there was none. Take the max over workers.",
		}),
		failing: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "otpipe_audit_failing",
			Help: "1 while this worker cannot have records kept.",
		}),
	}
	m.registry.MustRegister(a.kept, a.missed, a.behind, a.failing)
	return a
}

// Kept counts records.
func (a *Audit) Kept(n int) { a.kept.Add(float64(n)) }

// Missed counts events that nobody kept.
func (a *Audit) Missed(n int) { a.missed.Add(float64(n)) }

// Behind is the age of the oldest event of a round.
func (a *Audit) Behind(age time.Duration) { a.behind.Set(age.Seconds()) }

// Failing tells whether records cannot be kept.
func (a *Audit) Failing(yes bool) {
	a.failing.Set(0)
	if yes {
		a.failing.Set(1)
	}
}
