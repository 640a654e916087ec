package telemetry

import (
	"context"
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/totp"
)

var factorOutcomes = []string{"approved", "code_mismatch", "already_used", "lock", "refused", "error"}

func newFactorChecks() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "otpipe_factor_checks_total",
		Help: "Checks of authenticator apps and their recovery codes, by what became of them.",
	}, []string{"namespace", "outcome"})
}

// Factors counts what becomes of guesses at factors, and writes a line for each.
func (m *Metrics) Factors(g totp.Guesses, log *slog.Logger) totp.Guesses {
	return &factorGuesses{g, m, log}
}

type factorGuesses struct {
	totp.Guesses
	m   *Metrics
	log *slog.Logger
}

func (f *factorGuesses) Guess(ctx context.Context, g otp.FactorGuess) (otp.FactorVerdict, error) {
	v, err := f.Guesses.Guess(ctx, g)
	outcome := factorOutcome(v, err)
	f.m.factors.WithLabelValues(string(g.Namespace), outcome).Inc()
	f.log.LogAttrs(ctx, level(err), "factor check", slog.String("outcome", outcome), slog.String("id", string(g.ID)),
		slog.String("namespace", string(g.Namespace)), slog.Int("checks_left", v.ChecksLeft), slog.Bool("locked", !v.LockedUntil.IsZero()))
	return v, err
}

func factorOutcome(v otp.FactorVerdict, err error) string {
	_, locked := errors.AsType[*otp.LimitError](err)
	switch {
	case locked:
		return "lock"
	case errors.Is(err, otp.ErrStoreUnavailable):
		return "error"
	case err != nil:
		return "refused" // gone, or not yet or already confirmed
	case v.Reason == "":
		return "approved"
	}
	return string(v.Reason)
}
