package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var certificateExpires = prometheus.NewDesc("otpipe_certificate_expires_timestamp_seconds",
	"When the certificate of a listener ends, in Unix time.", []string{"listener"}, nil)

// Certificates reports when certificates end, by listener, whenever the metrics are
// read.
func (m *Metrics) Certificates(expiries func() map[string]time.Time) {
	m.registry.MustRegister(certificates(expiries))
}

type certificates func() map[string]time.Time

// Describe is for prometheus.
func (c certificates) Describe(ch chan<- *prometheus.Desc) { ch <- certificateExpires }

// Collect is for prometheus.
func (c certificates) Collect(out chan<- prometheus.Metric) {
	for listener, at := range c() {
		out <- prometheus.MustNewConstMetric(certificateExpires, prometheus.GaugeValue, float64(at.Unix()), listener)
	}
}
