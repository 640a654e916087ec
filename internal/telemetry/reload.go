package telemetry

import "github.com/prometheus/client_golang/prometheus"

// reload are the gauges of the configuration that a process runs with.
type reload struct {
	good  prometheus.Gauge
	marks *prometheus.GaugeVec
}

func newReload(registry *prometheus.Registry) reload {
	r := reload{
		good: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "otpipe_config_last_reload_successful",
			Help: "0 if the configuration was refused when it was last read: the process goes on with the one before.",
		}),
		marks: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "otpipe_config_info",
			Help: "1, with the mark of the configuration that the process runs with, and the key that it makes new values with. The same mark is the same configuration, secrets included.",
		}, []string{"mark", "key"}),
	}
	registry.MustRegister(r.good, r.marks)
	r.good.Set(1)
	return r
}

// Runs tells what configuration a process runs with, and its primary key's id.
func (m *Metrics) Runs(mark, key string) {
	m.reload.marks.Reset()
	m.reload.marks.WithLabelValues(mark, key).Set(1)
}

// Reloaded tells whether the configuration was taken when it was last read.
func (m *Metrics) Reloaded(taken bool) { m.reload.good.Set(one(taken)) }
