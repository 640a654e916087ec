package redisstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var start = load("start")

// Start admits a request and stages its send. Its errors are *otp.LimitError
// and otp.ErrStoreUnavailable.
func (s *Store) Start(ctx context.Context, o otp.Opening) (otp.Opened, error) {
	p := o.Policy
	args := []any{
		o.Owner.Partition.String(), string(o.Owner.Namespace), string(o.ID),
		joined(o.Owner.Identity), joined(o.Owner.Limit), string(o.Owner.Binding), string(o.Owner.Anchor),
		string(o.Channel), o.Masked, string(o.Nonce), o.Digest.Key, o.Digest.Sum, string(o.Code), string(o.Letter),
		ms(p.Life), ms(p.MaxLife), ms(p.MinLeft), p.Resend == otp.Rotate, p.MaxChecks, p.MaxSends,
		ms(p.Cooldown), ms(p.AllCooldown), p.Daily, p.AllDaily,
		ms(s.Retention), ms(patience), recentKept, string(o.Address), o.Act.Actor, o.Act.Reason, ms(p.FallbackAfter), s.strict(), guardText(o.Guard),
	}
	args = append(args, bucketArgs(o.Buckets)...)
	for _, f := range o.Fallbacks {
		args = append(args, string(f.Channel), f.Masked, string(f.Letter))
	}
	r, err := s.runDurable(ctx, start, verificationKey(o.ID), args...)
	if err != nil {
		return otp.Opened{}, err
	}
	if r.text(0) == "limit" && r.text(1) == "audit" {
		return otp.Opened{}, fmt.Errorf("the audit trail has no room: %w", otp.ErrStoreUnavailable)
	}
	if r.text(0) == "limit" {
		return otp.Opened{}, &otp.LimitError{
			Limit: otp.Limit(r.text(1)), RetryAfter: r.duration(2),
			ID: otp.ID(r.text(3)), ExpiresAt: r.at(4), Bucket: r.text(5),
		}
	}
	return otp.Opened{
		Order:     otp.Order{ID: otp.ID(r.text(1)), Send: int(r.number(2))},
		Resent:    r.number(3) == 1,
		Channel:   otp.Channel(r.text(4)),
		ExpiresAt: r.at(5), ResendAt: r.at(6),
		SendsLeft: int(r.number(7)),
		State:     otp.State(r.text(8)),
		DailyLeft: int(r.number(9)), DailyReset: r.duration(10),
		Now: r.at(11), Suspect: r.text(12), Live: live(r.text(13)),
	}, nil
}

// live reads "id key digest code".
func live(held string) (l otp.Live) {
	if w := strings.Fields(held); len(w) == 4 {
		l = otp.Live{Slot: otp.Slot(w[2]), Code: otp.Sealed(w[3])}
	}
	return l
}

// strict is how many events may wait for the audit trail when a start is admitted; 0
// is as many as there are.
func (s *Store) strict() int {
	if !s.AuditStrict {
		return 0
	}
	return max(1, s.EventsKept/2)
}

func ms(d time.Duration) int64 { return d.Milliseconds() }

func joined(fps []otp.Fingerprint) string {
	if len(fps) == 1 {
		return string(fps[0])
	}
	all := make([]string, len(fps))
	for i, f := range fps {
		all[i] = string(f)
	}
	return strings.Join(all, " ")
}

// bucketArgs are buckets as lua/bucket.lua reads them.
func bucketArgs(all []otp.Bucket) []any {
	args := []any{len(all)}
	for _, b := range all {
		args = append(args, b.Name, string(b.Key), b.Max, ms(b.Interval), b.Cost)
	}
	return args
}
