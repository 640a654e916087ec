package telemetry

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/otpipe/otpipe/internal/notify"
)

// Notices count what these endpoints are told.
type Notices struct {
	*notices
	known []string
}

type notices struct {
	runs   *prometheus.CounterVec
	missed prometheus.Counter
	behind prometheus.Gauge
}

// Notices are the counters of these endpoints' notices, all of them at zero; those
// of other endpoints, from an earlier call, stay as they are.
func (m *Metrics) Notices(endpoints []string) *Notices {
	if m.notices == nil {
		m.notices = newNotices(m.registry)
	}
	for _, e := range endpoints {
		for _, outcome := range []string{notify.Delivered, notify.Retried, notify.Dropped} {
			m.notices.runs.WithLabelValues(e, outcome)
		}
	}
	return &Notices{m.notices, endpoints}
}

func newNotices(registry *prometheus.Registry) *notices {
	n := &notices{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "otpipe_notices_total",
			Help: "Notices posted to an endpoint: delivered, retried (once for each failed try), or dropped for good.",
		}, []string{"endpoint", "outcome"}),
		missed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "otpipe_events_missed_total",
			Help: "Events that were trimmed from the store's streams before notices were made of them.",
		}),
		behind: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "otpipe_events_behind_seconds",
			Help: "The age of the oldest event of this worker's last round; 0 if there was none. Take the max over workers.",
		}),
	}
	registry.MustRegister(n.runs, n.missed, n.behind)
	return n
}

// Ended counts what became of a notice's run. One for an endpoint that is no
// longer configured has no series.
func (n *Notices) Ended(endpoint, outcome string) {
	if slices.Contains(n.known, endpoint) {
		n.runs.WithLabelValues(endpoint, outcome).Inc()
	}
}

// Missed counts events that were trimmed before they were read.
func (n *notices) Missed(count int) { n.missed.Add(float64(count)) }

// Behind is the age of the oldest event of a round.
func (n *notices) Behind(age time.Duration) { n.behind.Set(age.Seconds()) }
