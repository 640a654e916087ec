package asynqueue_test

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/otpipe/otpipe/internal/asynqueue"
	"github.com/otpipe/otpipe/internal/otp"
)

func TestATraceGoesThroughTheQueueAndNothingElseDoes(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		state, err := trace.ParseTraceState("vendor=739182")
		if err != nil {
			t.Fatal(err)
		}
		sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceState: state, Remote: true})
		got := make(chan trace.SpanContext, 2)
		r.ring()
		r.serve(func(ctx context.Context, _ otp.Order) error {
			got <- trace.SpanContextFromContext(ctx)
			return nil
		})
		r.ringer.Ring(trace.ContextWithSpanContext(t.Context(), sc), otp.Due{Order: otp.Order{ID: otp.NewID(0), Send: 1}, Channel: otp.SMS})
		if s := <-got; s.TraceID() != sc.TraceID() || s.SpanID() != sc.SpanID() || s.TraceState().Len() != 0 {
			t.Errorf("got %+v", s)
		}
		r.ringer.Ring(t.Context(), otp.Due{Order: otp.Order{ID: otp.NewID(0), Send: 1}, Channel: otp.SMS})
		if s := <-got; s.IsValid() {
			t.Errorf("an order that belongs to no trace: %+v", s)
		}
	})
}

func TestTheGaugeCountsWhatWaits(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		g := asynqueue.NewGauge(r.rdb)
		if q, err := g.Read("email"); q != (otp.QueueState{}) || err != nil {
			t.Errorf("a queue that never was: %+v, %v", q, err)
		}
		r.ring()
		for range 3 {
			r.ringer.Ring(t.Context(), otp.Due{Order: otp.Order{ID: otp.NewID(0), Send: 1}, Channel: otp.SMS})
		}
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			q, err := g.Read("sms")
			if err != nil {
				t.Fatal(err)
			}
			if q.Waiting == 3 && q.Oldest > 0 && q.Dead == 0 {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%+v", q)
			}
		}
	})
}
