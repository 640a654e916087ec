// Package telemetry measures: decorators around the store and the providers.
// Labels come from closed sets, never from ids or addresses, and every value
// exists at zero from the start. It runs in every process.
package telemetry

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/verify"
)

// Metrics are the counters of a process.
type Metrics struct {
	registry *prometheus.Registry
	starts   *prometheus.CounterVec
	checks   *prometheus.CounterVec
	attempts *prometheus.CounterVec
	handOver *prometheus.HistogramVec
	rang     prometheus.Counter
	settled  prometheus.Counter
	lost     prometheus.Counter
}

var (
	startOutcomes   = []string{"admitted", "resent", "suppressed", "cooldown", "sends", "daily", "lock", "error"}
	checkOutcomes   = []string{"approved", "code_mismatch", "expired", "already_used", "canceled", "not_found", "binding_mismatch", "lock", "error"}
	attemptOutcomes = []string{"accepted", "provider", "throttled", "recipient", "us", "unknown"}
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
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "otpipe_attempts_total",
			Help: "Hand-overs to a provider, by outcome: accepted, or the class of the fault.",
		}, []string{"provider", "outcome"}),
		handOver: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "otpipe_handover_seconds",
			Help: "How long a provider took to answer.", Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2, 4, 8},
		}, []string{"provider"}),
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
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "otpipe_build_info", Help: "1, with the version."}, []string{"version", "go"})
	m.registry.MustRegister(m.starts, m.checks, m.attempts, m.handOver, m.rang, m.settled, m.lost, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	info.WithLabelValues(version, goVersion()).Set(1)
	m.zero(namespaces, providers)
	return m
}

func (m *Metrics) zero(namespaces map[otp.Namespace]otp.Policy, providers []string) {
	for ns := range namespaces {
		for _, o := range startOutcomes {
			m.starts.WithLabelValues(string(ns), o)
		}
		for _, o := range checkOutcomes {
			m.checks.WithLabelValues(string(ns), o)
		}
	}
	for _, p := range providers {
		m.handOver.WithLabelValues(p)
		for _, o := range attemptOutcomes {
			m.attempts.WithLabelValues(p, o)
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

// Lost counts orders left to the watch.
func (m *Metrics) Lost(n int) { m.lost.Add(float64(n)) }

// Verifications counts what becomes of starts and checks.
func (m *Metrics) Verifications(v verify.Verifications) verify.Verifications {
	return &verifications{v, m}
}

type verifications struct {
	verify.Verifications
	m *Metrics
}

func (v *verifications) Start(ctx context.Context, o otp.Opening) (otp.Opened, error) {
	opened, err := v.Verifications.Start(ctx, o)
	outcome := "admitted"
	switch {
	case err != nil:
		outcome = refusal(err)
	case opened.State == otp.SendSuppressed:
		outcome = "suppressed"
	case opened.Resent:
		outcome = "resent"
	}
	v.m.starts.WithLabelValues(string(o.Owner.Namespace), outcome).Inc()
	return opened, err
}

func (v *verifications) Check(ctx context.Context, g otp.Guess) (otp.Verdict, error) {
	verdict, err := v.Verifications.Check(ctx, g)
	outcome := string(verdict.Reason)
	switch {
	case err != nil:
		outcome = refusal(err)
	case verdict.Right():
		outcome = "approved"
	}
	v.m.checks.WithLabelValues(string(g.Owner.Namespace), outcome).Inc()
	return verdict, err
}

func refusal(err error) string {
	if le, ok := errors.AsType[*otp.LimitError](err); ok {
		return string(le.Limit)
	}
	return "error"
}

// Provider counts and times what becomes of hand-overs.
func (m *Metrics) Provider(p otp.Provider) otp.Provider { return &provider{p, m} }

type provider struct {
	otp.Provider
	m *Metrics
}

func (p *provider) Send(ctx context.Context, msg otp.Message) (otp.Acceptance, error) {
	began := time.Now()
	got, err := p.Provider.Send(ctx, msg)
	p.m.handOver.WithLabelValues(p.Name()).Observe(time.Since(began).Seconds())
	outcome := "accepted"
	if err != nil {
		outcome = string(otp.AsFault(p.Name(), err).Class)
	}
	p.m.attempts.WithLabelValues(p.Name(), outcome).Inc()
	return got, err
}
