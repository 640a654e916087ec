package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"slices"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/otpipe/otpipe/internal/otp"
)

const scopeName = "github.com/otpipe/otpipe"

// Tracing makes spans: of a request, of an order's run, of a hand-over. They
// name verifications by their ids, and hold neither codes nor addresses.
type Tracing struct {
	tracer trace.Tracer
	on     bool
}

// NoTracing makes no spans. Traces that others began are still handed on.
func NoTracing() *Tracing { return &Tracing{tracer: noop.NewTracerProvider().Tracer(scopeName)} }

// TracingTo makes spans and hands them to a processor.
func TracingTo(p sdk.SpanProcessor, process, version string) (t *Tracing, stop func(context.Context) error) {
	about := resource.NewSchemaless(attribute.String("service.name", "otpipe-"+process), attribute.String("service.version", version))
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(p), sdk.WithResource(about), sdk.WithSampler(sdk.ParentBased(sdk.AlwaysSample())))
	return &Tracing{tracer: provider.Tracer(scopeName), on: true}, provider.Shutdown
}

// StartTracing exports spans by OTLP over HTTP if the environment names where
// to, by OTEL_EXPORTER_OTLP_ENDPOINT or its variant for traces; the exporter
// reads the rest of OpenTelemetry's variables. What goes wrong with exporting is
// a line of log. stop sends what is left.
func StartTracing(ctx context.Context, process, version string, log *slog.Logger) (t *Tracing, stop func(context.Context) error, err error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return NoTracing(), func(context.Context) error { return nil }, nil
	}
	otel.SetLogger(logr.FromSlogHandler(wordsOnly{log.Handler()}))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("spans not exported", "error", err) }))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, err
	}
	t, stop = TracingTo(sdk.NewBatchSpanProcessor(exporter), process, version)
	return t, stop, nil
}

// methods are those that spans name; anybody may make up others, of any words.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodOptions, http.MethodConnect, http.MethodTrace,
}

// Requests puts what follows into the trace that a request says it is a part of.
// It does not look at the path, which may hold anything: who knows the route of a
// request names its span.
func (t *Tracing) Requests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !t.on && r.Header.Get("Traceparent") == "" {
			next.ServeHTTP(w, r)
			return
		}
		method := r.Method
		if !slices.Contains(methods, method) {
			method = "_OTHER" // as OpenTelemetry's conventions have it
		}
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.tracer.Start(ctx, "http "+method, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		told := &statusTold{ResponseWriter: w}
		next.ServeHTTP(told, r.WithContext(ctx))
		if !span.IsRecording() {
			return
		}
		span.SetAttributes(attribute.String("http.request.method", method), attribute.Int("http.response.status_code", told.status))
		if told.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	})
}

// statusTold remembers the status of an answer.
type statusTold struct {
	http.ResponseWriter
	status int
}

func (s *statusTold) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusTold) Write(b []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (s *statusTold) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Orders puts each run of an order into a span of its own.
func (t *Tracing) Orders(deliver func(context.Context, otp.Order) error) func(context.Context, otp.Order) error {
	if !t.on {
		return deliver
	}
	return func(ctx context.Context, o otp.Order) error {
		ctx, span := t.tracer.Start(ctx, "deliver", trace.WithSpanKind(trace.SpanKindConsumer),
			trace.WithAttributes(attribute.String("otpipe.verification", string(o.ID)), attribute.Int("otpipe.send", o.Send)))
		defer span.End()
		err := deliver(ctx, o)
		span.SetAttributes(attribute.Bool("otpipe.again", err != nil))
		return err
	}
}

// Provider puts each hand-over into a span. The provider itself is not told of
// the trace: it is of no use to a vendor.
func (t *Tracing) Provider(p otp.Provider) otp.Provider {
	if !t.on {
		return p
	}
	return &tracedProvider{p, t.tracer}
}

type tracedProvider struct {
	otp.Provider
	tracer trace.Tracer
}

func (p *tracedProvider) Send(ctx context.Context, m otp.Message) (otp.Acceptance, error) {
	ctx, span := p.tracer.Start(ctx, "hand over to "+p.Name(), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("otpipe.provider", p.Name()), attribute.Int("otpipe.attempt", m.Attempt)))
	defer span.End()
	got, err := p.Provider.Send(ctx, m)
	if err != nil {
		fault := otp.AsFault(p.Name(), err)
		span.SetStatus(codes.Error, string(fault.Class))
		span.SetAttributes(attribute.String("otpipe.fault", fault.Code))
	}
	return got, err
}
