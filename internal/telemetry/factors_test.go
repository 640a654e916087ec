package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// guessed is what a database says of a guess.
type guessed struct {
	v   otp.FactorVerdict
	err error
}

func (g guessed) Guess(context.Context, otp.FactorGuess) (otp.FactorVerdict, error) {
	return g.v, g.err
}

func TestEveryOutcomeOfAFactorsCheckIsCountedAndLogged(t *testing.T) {
	t.Parallel()
	id := otp.NewFactorID(1)
	for outcome, g := range map[string]guessed{
		"approved":      {v: otp.FactorVerdict{ChecksLeft: 5}},
		"code_mismatch": {v: otp.FactorVerdict{Reason: otp.CodeMismatch, LockedUntil: time.Unix(1, 0)}},
		"already_used":  {v: otp.FactorVerdict{Reason: otp.AlreadyUsed}},
		"lock":          {err: fmt.Errorf("check: %w", &otp.LimitError{Limit: otp.LimitFactor})},
		"refused":       {err: otp.ErrFactorUnconfirmed},
		"error":         {err: errors.Join(otp.ErrStoreUnavailable)},
	} {
		var log bytes.Buffer
		m := newMetrics()
		v, err := m.Factors(g, slog.New(slog.NewJSONHandler(&log, nil))).Guess(t.Context(), otp.FactorGuess{ID: id, Namespace: otp.PhoneAuth})
		if v != g.v || !errors.Is(err, g.err) {
			t.Errorf("%s: %+v, %v", outcome, v, err)
		}
		if n := scrape(t, m)[`otpipe_factor_checks_total{namespace="phone-auth",outcome="`+outcome+`"}`]; n != "1" {
			t.Errorf("%s: counted %s times", outcome, n)
		}
		if line := log.String(); !strings.Contains(line, `"outcome":"`+outcome+`"`) || !strings.Contains(line, string(id)) {
			t.Errorf("%s: %s", outcome, line)
		}
	}
}
