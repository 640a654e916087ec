package redisstore

import (
	"context"
	"strconv"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	take    = load("audit")
	audited = load("audited")
)

// AuditLease is how long an exporter keeps a partition for itself. It is renewed by
// each take; another exporter goes on when it is over.
const AuditLease = 20 * time.Second

// Take hands a partition's next events, at most so many, to its exporter. held
// tells that another one has the partition. What was taken and not finished comes
// again, and its seed with it. A new batch gets the seed that is given.
func (s *Store) Take(ctx context.Context, p otp.Partition, holder string, most int, seed string) (b otp.Batch, held bool, err error) {
	r, err := s.run(ctx, take, eventsKey(p), p.String(), holder, ms(AuditLease), most, seed)
	if err != nil {
		return b, false, err
	}
	if r.text(0) == "held" {
		return b, true, nil
	}
	seq, err := strconv.ParseUint(r.text(1), 10, 64)
	if err != nil {
		return b, false, unavailable("take", err)
	}
	b = otp.Batch{Last: otp.Record{Partition: p, Seq: seq, Sum: r.text(2), At: r.at(4)}, Seed: r.text(3), Missed: int(r.number(5))}
	for _, entry := range r[6:] {
		if e, ok := entry.([]any); ok {
			b.Events = append(b.Events, readEvent(p, e))
		}
	}
	return b, false, nil
}

// Audited finishes a batch whose records are kept, the last of which is given. lost
// tells that the partition has become another exporter's meanwhile.
func (s *Store) Audited(ctx context.Context, holder string, b otp.Batch, last otp.Record) (lost bool, err error) {
	args := []any{last.Partition.String(), holder, strconv.FormatUint(last.Seq, 10), last.Sum, b.Missed}
	for _, e := range b.Events {
		args = append(args, e.Entry)
	}
	r, err := s.run(ctx, audited, eventsKey(last.Partition), args...)
	return len(r) == 0, err
}

// AuditHead is the last record of a partition that an exporter has had kept: its
// number and sum, both zero if there is none.
func (s *Store) AuditHead(ctx context.Context, p otp.Partition) (otp.Record, error) {
	f, err := s.Redis.HMGet(ctx, auditKey(p), "seq", "sum").Result()
	if err != nil {
		return otp.Record{}, unavailable("audit head", err)
	}
	seq, _ := f[0].(string)
	sum, _ := f[1].(string)
	n, _ := strconv.ParseUint(seq, 10, 64) // "" where there is none
	return otp.Record{Partition: p, Seq: n, Sum: sum}, nil
}
