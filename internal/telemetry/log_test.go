package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/telemetry"
)

func (s store) Cancel(context.Context, otp.ID) error { return s.err }

func (s store) Session(context.Context, otp.Token, otp.Owner, bool) (otp.Session, error) {
	return otp.Session{ID: "VE1"}, s.err
}

func (s store) Unlock(context.Context, otp.Owner, string, string) (bool, error) { return true, s.err }

// lines runs something with a log and returns what it wrote, times left out.
func lines(t *testing.T, do func(ctx context.Context, log *slog.Logger)) (all []map[string]any) {
	t.Helper()
	var b bytes.Buffer
	log := slog.New(telemetry.LogHandler(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	do(otp.WithRequestID(t.Context(), "r1"), log)
	for line := range strings.Lines(b.String()) {
		m := map[string]any{}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		delete(m, "time")
		all = append(all, m)
	}
	return all
}

func TestEveryDecisionIsOneLine(t *testing.T) {
	t.Parallel()
	owner := otp.Owner{Namespace: "phone-auth", Identity: []otp.Fingerprint{"fp"}}
	s := store{opened: otp.Opened{State: otp.Queued, Order: otp.Order{ID: "VE1", Send: 1}}, verdict: otp.Verdict{ID: "VE1", ChecksLeft: 4}}
	got := lines(t, func(ctx context.Context, log *slog.Logger) {
		v := telemetry.LogVerifications(s, log)
		_, _ = v.Start(ctx, otp.Opening{Owner: owner, Channel: otp.SMS, Masked: "+49•••"})
		_, _ = v.Check(ctx, otp.Guess{Owner: owner})
		_ = v.Cancel(ctx, "VE1")
		_, _ = telemetry.LogSessions(s, log).Session(ctx, otp.Token{}, owner, true)
		_, _ = telemetry.LogLocks(s, log).Unlock(ctx, owner, "support", "ticket 1")
	})
	want := []map[string]any{
		{"level": "INFO", "msg": "start", "outcome": "admitted", "id": "VE1", "send": 1.0, "namespace": "phone-auth", "channel": "sms", "to": "+49•••", "fp": "fp", "request_id": "r1"},
		{"level": "INFO", "msg": "check", "outcome": "approved", "id": "VE1", "namespace": "phone-auth", "checks_left": 4.0, "locked": false, "fp": "fp", "request_id": "r1"},
		{"level": "INFO", "msg": "cancel", "outcome": "canceled", "id": "VE1", "request_id": "r1"},
		{"level": "INFO", "msg": "session", "outcome": "active", "consume": true, "id": "VE1", "namespace": "phone-auth", "fp": "fp", "request_id": "r1"},
		{"level": "INFO", "msg": "unlock", "outcome": "cleared", "actor": "support", "namespace": "phone-auth", "fp": "fp", "request_id": "r1"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestALimitIsNewsAndAnUnreachableStoreIsAnError(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		limit(otp.LimitCooldown): "INFO cooldown", otp.ErrNotFound: "INFO not_found", otp.ErrFinished: "INFO finished",
		otp.ErrStoreUnavailable: "ERROR error", errors.New("739182"): "ERROR error",
	} {
		got := lines(t, func(ctx context.Context, log *slog.Logger) {
			_, _ = telemetry.LogVerifications(store{err: err}, log).Start(ctx, otp.Opening{})
		})
		if len(got) != 1 || got[0]["level"].(string)+" "+got[0]["outcome"].(string) != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

func TestALineSaysWhichTraceItBelongsTo(t *testing.T) {
	t.Parallel()
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	got := lines(t, func(ctx context.Context, log *slog.Logger) {
		log.With("a", 1).WithGroup("g").InfoContext(trace.ContextWithSpanContext(ctx, sc), "x")
		log.Info("y")
	})
	keys := slices.Sorted(maps.Keys(got[0]["g"].(map[string]any)))
	if !slices.Equal(keys, []string{"request_id", "trace_id"}) || len(got[1]) != 2 {
		t.Errorf("%v", got)
	}
}
