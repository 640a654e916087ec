package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/telemetry"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	parent  = "00-" + traceID + "-b7ad6b7169203331-01"
)

func traced(headers map[string]string, t *telemetry.Tracing, path string, h http.HandlerFunc) {
	r := httptest.NewRequest(http.MethodPost, path, nil)
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	t.Requests(h).ServeHTTP(httptest.NewRecorder(), r)
}

func TestWithoutAnExporterATraceIsHandedOn(t *testing.T) {
	t.Parallel()
	var got string
	seen := func(_ http.ResponseWriter, r *http.Request) {
		got = trace.SpanContextFromContext(r.Context()).TraceID().String()
	}
	traced(map[string]string{"traceparent": parent}, telemetry.NoTracing(), "/v1/verifications", seen)
	if got != traceID {
		t.Errorf("trace %s", got)
	}
	for _, bad := range []string{"", "00-0-0-0", strings.Repeat("x", 5000), "00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01", "\x00"} {
		traced(map[string]string{"traceparent": bad}, telemetry.NoTracing(), "/v1/verifications", seen)
		if got != (trace.TraceID{}).String() {
			t.Errorf("%.20q became a trace", bad)
		}
	}
}

func TestARequestAnOrderAndAHandOverAreOneTrace(t *testing.T) {
	t.Parallel()
	kept := tracetest.NewSpanRecorder()
	tracing, _ := telemetry.TracingTo(kept, "test", "v1")
	id := otp.ID("VE0a1b2c3d4e5f60718293a4b5c6d7e8f9")
	traced(map[string]string{"traceparent": parent}, tracing, "/v1/verifications/"+string(id), func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		run := tracing.Orders(func(ctx context.Context, _ otp.Order) error {
			_, err := tracing.Provider(vendor{errors.New("739182 to +4915199887766")}).Send(ctx, otp.Message{Attempt: 2})
			return err
		})
		_ = run(r.Context(), otp.Order{ID: id, Send: 1})
	})
	var got []string
	for _, span := range kept.Ended() {
		got = append(got, span.Name()+" in "+span.Parent().SpanID().String())
		if span.SpanContext().TraceID().String() != traceID {
			t.Errorf("%s is in trace %s", span.Name(), span.SpanContext().TraceID())
		}
		for _, secret := range []string{"739182", "4915199887766"} {
			if strings.Contains(fmt.Sprint(span.Attributes(), span.Status(), span.Events()), secret) {
				t.Errorf("%s tells %s", span.Name(), secret)
			}
		}
	}
	spans := kept.Ended()
	want := []string{
		"hand over to twilio-eu in " + spans[1].SpanContext().SpanID().String(),
		"deliver in " + spans[2].SpanContext().SpanID().String(),
		"http POST in b7ad6b7169203331",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestASpanHoldsNothingOfAPathOrOfAMethodThatThereIsNot(t *testing.T) {
	t.Parallel()
	kept := tracetest.NewSpanRecorder()
	tracing, _ := telemetry.TracingTo(kept, "test", "v1")
	for _, status := range []int{http.StatusOK, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed} {
		r := httptest.NewRequest("+4915199887766", "/v1/verifications/739182/kim@example.com", http.NoBody)
		tracing.Requests(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })).ServeHTTP(httptest.NewRecorder(), r)
	}
	for _, span := range kept.Ended() {
		said := fmt.Sprint(span.Name(), span.Attributes())
		for _, secret := range []string{"4915199887766", "739182", "kim"} {
			if strings.Contains(said, secret) {
				t.Errorf("a span holds %s: %s", secret, said)
			}
		}
	}
}

// OpenTelemetry keeps its error handler and its log in variables of its own, so
// this test runs by itself.
func TestWhatIsWrongWithExportingIsALineThatTellsNoSecret(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "password-739182")
	got := lines(t, func(ctx context.Context, log *slog.Logger) {
		tracing, stop, err := telemetry.StartTracing(ctx, "test", "v1", log)
		if err != nil {
			t.Fatal(err)
		}
		traced(nil, tracing, "/v1/verifications", func(http.ResponseWriter, *http.Request) {})
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		_ = stop(ctx)
		otel.Handle(errors.New("refused"))
	})
	var said []string
	for _, line := range got {
		said = append(said, line["msg"].(string))
		if strings.Contains(fmt.Sprint(line), "739182") {
			t.Errorf("a line tells the password: %v", line)
		}
	}
	if !slices.Contains(said, "tracing") || !slices.Contains(said, "spans not exported") {
		t.Errorf("said %v", said)
	}
}
