// Package telemetry measures: decorators around the store and the providers.
// Labels come from closed sets, never from ids or addresses, and every value
// exists at zero from the start. It runs in every process.
package telemetry

import (
	"net/http"
	"runtime/debug"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/otpipe/otpipe/internal/otp"
)

// Metrics are the counters of a process.
type Metrics struct {
	registry  *prometheus.Registry
	starts    *prometheus.CounterVec
	checks    *prometheus.CounterVec
	factors   *prometheus.CounterVec
	locks     *prometheus.CounterVec
	sends     *prometheus.CounterVec
	attempts  *prometheus.CounterVec
	handOver  *prometheus.HistogramVec
	arrival   *prometheus.HistogramVec
	approval  *prometheus.HistogramVec
	rang      prometheus.Counter
	settled   prometheus.Counter
	lost      prometheus.Counter
	bounces   *prometheus.CounterVec
	limited   *prometheus.CounterVec
	suspected *prometheus.CounterVec
	reload    reload
	gate      gate
	notices   *notices
}

var (
	startOutcomes   = []string{"admitted", "resent", "suppressed", "cooldown", "sends", "daily", "rate", "lock", "error"}
	checkOutcomes   = []string{"approved", "code_mismatch", "expired", "already_used", "canceled", "not_found", "binding_mismatch", "lock", "error"}
	attemptOutcomes = []string{"accepted", "provider", "throttled", "recipient", "us", "unknown"}
	sendOutcomes    = []string{"staged", "accepted", "failed", "unknown"}
	bounceOutcomes  = []string{"moved", "stale", "ignored", "unreadable", "refused", "deferred"}
	channels        = []otp.Channel{otp.SMS, otp.Email}
)

// New makes the metrics, all of them at zero. providers and namespaces are
// those of the configuration.
func New(version string, namespaces map[otp.Namespace]otp.Policy, providers []string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		starts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "otpipe_starts_total",
			Help: "Requests for a code, by what became of them.",
		}, []string{"namespace", "outcome"}),
		checks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "otpipe_checks_total",
			Help: "Checks of a code, by what became of them.",
		}, []string{"namespace", "outcome"}),
		locks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "otpipe_locks_total",
			Help: "Recipients locked by a wrong guess.",
		}, []string{"namespace"}),
		sends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "otpipe_sends_total",
			Help: "Sends, where they were asked for (staged) and where a worker ended them: accepted by a provider, failed, or unknown.",
		}, []string{"channel", "outcome"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "otpipe_attempts_total",
			Help: "Hand-overs to a provider, by outcome: accepted, or the class of the fault.",
		}, []string{"provider", "outcome"}),
		handOver: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "otpipe_handover_seconds",
			Help: "How long a provider took to answer.", Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2, 4, 8},
		}, []string{"provider", "outcome"}),
		approval: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "otpipe_approved_seconds",
			Help: "From the first request for a code to the right check.", Buckets: []float64{5, 10, 15, 20, 30, 45, 60, 120, 300, 900},
		}, []string{"namespace"}),
		arrival: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "otpipe_delivered_seconds",
			Help: "From the request for a send to the provider's receipt that it was delivered.", Buckets: []float64{1, 2, 5, 10, 20, 30, 60, 120, 300},
		}, []string{"channel", "provider"}),
		rang: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "otpipe_watch_rings_total",
			Help: "Sends that nobody held and the watch rang for.",
		}),
		settled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "otpipe_watch_settled_total",
			Help: "Verifications whose code expired.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "otpipe_rings_lost_total",
			Help: "Orders that did not reach the queue and were left to the watch.",
		}),
		bounces: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "otpipe_bounces_total",
			Help: "Mail to return paths, by what became of it; refused is that to addresses nobody made.",
		}, []string{"outcome"}),
		limited: newLimited(), suspected: newSuspected(), factors: newFactorChecks(),
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "otpipe_build_info", Help: "1, with the version."}, []string{"version", "go"})
	m.registry.MustRegister(m.starts, m.checks, m.factors, m.locks, m.sends, m.attempts, m.handOver, m.arrival, m.approval, m.rang, m.settled, m.lost, m.bounces, m.limited, m.suspected, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	info.WithLabelValues(version, goVersion()).Set(1)
	m.reload = newReload(m.registry)
	m.Zero(namespaces, providers)
	return m
}

func newLimited() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "otpipe_limited_total",
		Help: "Starts that a configured limit, the daily spend or the guard of ranges refused.",
	}, []string{"namespace", "limit"})
}

func newSuspected() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "otpipe_ranges_suspected_total",
		Help: "Starts of texts that a guard of ranges which blocks would have refused.",
	}, []string{"namespace"})
}

// Limits has the series of all configured limits begin at zero.
func (m *Metrics) Limits(rates []otp.Rate, namespaces map[otp.Namespace]otp.Policy, guarded bool) {
	for ns, p := range namespaces {
		for _, r := range rates {
			if len(r.Namespaces) == 0 || slices.Contains(r.Namespaces, ns) {
				m.limited.WithLabelValues(string(ns), r.Name)
			}
		}
		if len(p.DailySpend) > 0 {
			m.limited.WithLabelValues(string(ns), otp.DailySpend)
		}
		if guarded {
			m.limited.WithLabelValues(string(ns), otp.TollGuard)
			m.suspected.WithLabelValues(string(ns))
		}
	}
}

// Zero has the series of all namespaces and providers begin at zero.
func (m *Metrics) Zero(namespaces map[otp.Namespace]otp.Policy, providers []string) {
	for ns := range namespaces {
		for _, o := range startOutcomes {
			m.starts.WithLabelValues(string(ns), o)
		}
		for _, o := range checkOutcomes {
			m.checks.WithLabelValues(string(ns), o)
		}
		for _, o := range factorOutcomes {
			m.factors.WithLabelValues(string(ns), o)
		}
		m.locks.WithLabelValues(string(ns))
		m.approval.WithLabelValues(string(ns))
	}
	for _, o := range bounceOutcomes {
		m.bounces.WithLabelValues(o)
	}
	for _, ch := range channels {
		for _, o := range sendOutcomes {
			m.sends.WithLabelValues(string(ch), o)
		}
	}
	for _, p := range providers {
		for _, ch := range channels {
			m.arrival.WithLabelValues(string(ch), p)
		}
		for _, o := range attemptOutcomes {
			m.attempts.WithLabelValues(p, o)
			m.handOver.WithLabelValues(p, o)
		}
	}
}

func goVersion() string {
	if b, ok := debug.ReadBuildInfo(); ok {
		return b.GoVersion
	}
	return "unknown"
}

// Handler serves /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Rang counts a ring of the watch.
func (m *Metrics) Rang() { m.rang.Inc() }

// Settled counts a verification that expired.
func (m *Metrics) Settled() { m.settled.Inc() }

// Ended counts a send that a worker has ended.
func (m *Metrics) Ended(ch otp.Channel, state otp.State) {
	outcome := string(state)
	if state == otp.Sent {
		outcome = string(otp.Accepted)
	}
	m.sends.WithLabelValues(string(ch), outcome).Inc()
}

// Bounced counts what became of mail to a return path.
func (m *Metrics) Bounced(outcome string) { m.bounces.WithLabelValues(outcome).Inc() }

// Lost counts orders left to the watch.
func (m *Metrics) Lost(n int) { m.lost.Add(float64(n)) }
