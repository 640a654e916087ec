package telemetry

import (
	"context"
	"time"

	"github.com/otpipe/otpipe/internal/deliver"
	"github.com/otpipe/otpipe/internal/otp"
)

// Provider counts and times what becomes of hand-overs.
func (m *Metrics) Provider(p otp.Provider) otp.Provider { return &provider{p, m} }

type provider struct {
	otp.Provider
	m *Metrics
}

func (p *provider) Send(ctx context.Context, msg otp.Message) (otp.Acceptance, error) {
	began := time.Now()
	got, err := p.Provider.Send(ctx, msg)
	outcome := "accepted"
	if err != nil {
		outcome = string(otp.AsFault(p.Name(), err).Class)
	}
	p.m.handOver.WithLabelValues(p.Name(), outcome).Observe(time.Since(began).Seconds())
	p.m.attempts.WithLabelValues(p.Name(), outcome).Inc()
	return got, err
}

// Receipts times how long messages took to arrive.
func (m *Metrics) Receipts(r deliver.Receipts) deliver.Receipts { return &receipts{r, m} }

type receipts struct {
	deliver.Receipts
	m *Metrics
}

func (r *receipts) Receive(ctx context.Context, rc otp.Receipt) (otp.Reception, error) {
	got, err := r.Receipts.Receive(ctx, rc)
	if err == nil && got.Moved && rc.State == otp.Delivered {
		r.m.arrival.WithLabelValues(string(got.Channel), rc.Provider).Observe(got.After.Seconds())
	}
	return got, err
}
