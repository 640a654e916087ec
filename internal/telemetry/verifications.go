package telemetry

import (
	"context"
	"errors"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/verify"
)

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
	v.m.starts.WithLabelValues(string(o.Owner.Namespace), startOutcome(opened, err)).Inc()
	if opened.Suspect != "" {
		v.m.suspected.WithLabelValues(string(o.Owner.Namespace)).Inc()
	}
	if limit := limitOf(err); limit != "" {
		v.m.limited.WithLabelValues(string(o.Owner.Namespace), limit).Inc()
	}
	if err == nil && opened.State == otp.Queued {
		v.m.sends.WithLabelValues(string(opened.Channel), "staged").Inc()
	}
	return opened, err
}

func (v *verifications) Check(ctx context.Context, g otp.Guess) (otp.Verdict, error) {
	verdict, err := v.Verifications.Check(ctx, g)
	v.m.checks.WithLabelValues(string(g.Owner.Namespace), checkOutcome(verdict, err)).Inc()
	if err == nil && verdict.Right() && verdict.After > 0 {
		v.m.approval.WithLabelValues(string(g.Owner.Namespace)).Observe(verdict.After.Seconds())
	}
	if err == nil && locked(verdict) {
		v.m.locks.WithLabelValues(string(g.Owner.Namespace)).Inc()
	}
	return verdict, err
}

func startOutcome(o otp.Opened, err error) string {
	switch {
	case err != nil:
		return outcomeOf(err, "")
	case o.State == otp.SendSuppressed:
		return "suppressed"
	case o.Resent:
		return "resent"
	}
	return "admitted"
}

func checkOutcome(v otp.Verdict, err error) string {
	if err == nil && v.Right() {
		return "approved"
	}
	return outcomeOf(err, string(v.Reason))
}

// locked tells whether this very guess has locked the recipient.
func locked(v otp.Verdict) bool { return !v.LockedUntil.IsZero() }

// limitOf is the name of the configured limit that refused a start; "" if none did.
func limitOf(err error) string {
	if le, limited := errors.AsType[*otp.LimitError](err); limited {
		return le.Bucket
	}
	return ""
}

// outcomeOf names an error; fine is what there is without one.
func outcomeOf(err error, fine string) string {
	le, limited := errors.AsType[*otp.LimitError](err)
	switch {
	case err == nil:
		return fine
	case limited:
		return string(le.Limit)
	case errors.Is(err, otp.ErrNotFound):
		return "not_found"
	case errors.Is(err, otp.ErrFinished):
		return "finished"
	}
	return "error"
}
