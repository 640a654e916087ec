package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

// Events is the store's stream of what happened, as its exporter reads it. It may be
// used by many processes at once: a partition is one exporter's at a time.
type Events interface {
	// Take hands out a partition's next events, at most so many; held tells that
	// another exporter has the partition. What was taken and not finished comes
	// again, with the seed that it had.
	Take(ctx context.Context, p otp.Partition, holder string, most int, seed string) (b otp.Batch, held bool, err error)
	// Audited finishes a batch; lost tells that the partition is another's by now.
	Audited(ctx context.Context, holder string, b otp.Batch, last otp.Record) (lost bool, err error)
}

const (
	exportEvery = 500 * time.Millisecond
	exportMost  = 200              // events of a partition at a time
	exportLimit = 10 * time.Second // for one batch; shorter than the store's lease
)

// Exporter makes records of all events and has them kept, each at least once: a
// batch that a process did not finish is made again, to the same records. Every
// worker runs one. It is wired by app; every field is required.
type Exporter struct {
	Events     Events
	Archive    Archive
	Keys       otp.Keys
	Partitions int
	Holder     string // another one for each exporter
	Retention  time.Duration
	Log        *slog.Logger
	Kept       func(n int)             // counts
	Missed     func(n int)             // counts
	Behind     func(age time.Duration) // of the oldest event of a round; 0: there was none
	Failing    func(yes bool)          // whether the last round failed

	ours   map[otp.Partition]bool // whose chain has been looked at since it became ours
	down   bool
	pruned time.Time
}

// Run exports until ctx ends.
func (e *Exporter) Run(ctx context.Context) {
	e.ours = map[otp.Partition]bool{}
	for ctx.Err() == nil {
		err := e.round(ctx)
		if ctx.Err() != nil {
			return
		}
		e.report(err)
		select {
		case <-ctx.Done():
		case <-time.After(exportEvery):
		}
	}
}

// report says once that records cannot be kept, and once that they are again.
func (e *Exporter) report(err error) {
	e.Failing(err != nil)
	switch {
	case err != nil && !e.down:
		e.Log.Error("audit records cannot be kept", "error", err)
	case err == nil && e.down:
		e.Log.Info("audit records are kept again")
	}
	e.down = err != nil
}

// round exports what is new in every partition. One that fails does not keep the
// others waiting.
func (e *Exporter) round(ctx context.Context) error {
	var errs []error
	var oldest time.Time
	for p := range e.Partitions {
		first, err := e.partition(ctx, otp.Partition(p))
		errs = append(errs, err)
		if oldest.IsZero() || !first.IsZero() && first.Before(oldest) {
			oldest = first
		}
	}
	age := time.Duration(0)
	if !oldest.IsZero() {
		age = max(0, time.Since(oldest))
	}
	e.Behind(age)
	return errors.Join(append(errs, e.prune(ctx))...)
}

// partition exports all that is new in one, and tells when the first of it happened.
func (e *Exporter) partition(ctx context.Context, p otp.Partition) (first time.Time, err error) {
	for more := true; more && ctx.Err() == nil; {
		var b otp.Batch
		if b, err = e.batch(ctx, p); first.IsZero() && len(b.Events) > 0 {
			first = b.Events[0].At
		}
		more = err == nil && len(b.Events) == exportMost
	}
	return first, err
}

// batch exports some events of a partition. It is not broken off by the process'
// end, which waits for it.
func (e *Exporter) batch(ctx context.Context, p otp.Partition) (b otp.Batch, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportLimit)
	defer cancel()
	b, held, err := e.Events.Take(ctx, p, e.Holder, exportMost, otp.NewSalt())
	if err != nil || held {
		e.ours[p] = false
		return otp.Batch{}, err
	}
	if len(b.Events) == 0 && b.Missed == 0 {
		return b, nil
	}
	known := e.ours[p]
	e.ours[p] = false // until all of this is done
	last, seen := b.Last, map[string]bool{}
	if !known {
		if last, seen, err = e.catchUp(ctx, last); err != nil {
			return b, err
		}
	}
	records := e.chain(last, b, seen)
	if len(records) > 0 {
		if err := e.Archive.Append(ctx, records); err != nil {
			return b, fmt.Errorf("keep records of partition %s: %w", p, err)
		}
		last = records[len(records)-1]
	}
	lost, err := e.Events.Audited(ctx, e.Holder, b, last)
	if err != nil || lost {
		return b, err
	}
	e.ours[p] = true
	e.Kept(len(records))
	if b.Missed > 0 {
		e.Missed(b.Missed)
		e.Log.Error("events were trimmed before they were kept", "partition", p.String(), "count", b.Missed)
	}
	return b, nil
}

// catchUp finds the end of a chain, where a process has died after its records were
// kept and before it could say so. seen are the entries that were kept so.
func (e *Exporter) catchUp(ctx context.Context, last otp.Record) (end otp.Record, seen map[string]bool, err error) {
	seen = map[string]bool{}
	library, reads := e.Archive.(Library)
	if !reads {
		return last, seen, nil
	}
	err = library.Walk(ctx, last.Partition, last.Seq+1, last.At, func(r otp.Record) error {
		if r.Follows(last) && e.Keys.CheckRecord(r) == nil {
			last, seen[r.Entry] = r, true
		}
		return nil
	})
	if err != nil {
		return last, nil, fmt.Errorf("find the end of partition %s: %w", last.Partition, err)
	}
	return last, seen, nil
}

// chain makes the records of a batch, but for those that are there already.
func (e *Exporter) chain(last otp.Record, b otp.Batch, seen map[string]bool) (all []otp.Record) {
	add := func(r otp.Record) {
		if !seen[r.Entry] {
			last = e.Keys.Link(last, r)
			all = append(all, last)
		}
	}
	if b.Missed > 0 {
		add(otp.Record{Partition: last.Partition, Entry: "missed-" + b.Seed, At: missedAt(b), Kind: KindMissed, Reason: strconv.Itoa(b.Missed)})
	}
	for _, event := range b.Events {
		add(recordOf(event, b.Seed))
	}
	return all
}

// KindMissed is a record's that stands for events that were lost before they could
// be kept; its reason is how many.
const KindMissed = "audit.missed"

// missedAt is when events that nobody has seen happened: before the first that came.
func missedAt(b otp.Batch) time.Time {
	if len(b.Events) > 0 {
		return b.Events[0].At
	}
	return time.Now().UTC().Truncate(time.Millisecond)
}

// recordOf is the record of an event. What a member of the staff said of an act is
// text of theirs, and may be about anybody.
func recordOf(e otp.Event, seed string) otp.Record {
	r := otp.Record{
		Partition: e.Partition, Entry: e.Entry, At: e.At, Kind: e.Kind, Verification: e.Verification, Namespace: e.Namespace,
		Send: e.Send, Attempt: e.Attempt, Provider: e.Provider, Reason: e.Reason, Actor: e.Actor, Request: e.Request,
	}
	e.Reason, e.Actor = strings.ToValidUTF8(e.Reason, "�"), strings.ToValidUTF8(e.Actor, "�") // as archives keep it
	r.Reason, r.Actor = e.Reason, e.Actor
	about := otp.Personal{To: e.To, Anchor: e.Anchor, Client: e.Client}
	switch {
	case e.Way != "":
		r.Reason = strings.TrimSpace(string(e.Way) + " " + e.Reason)
	case e.Actor != "" && !strings.HasPrefix(e.Kind, "staff."):
		r.Reason, about.Note = "", e.Reason
	}
	if r.Actor == "" {
		r.Actor = e.Caller
	}
	if about != (otp.Personal{}) {
		about.Salt = salt(seed, e.Entry)
		r.Personal = &about
	}
	return r
}

// salt is the same for an event that is exported again, and nobody can tell it once
// its batch's seed is gone.
func salt(seed, entry string) string {
	h := hmac.New(sha256.New, []byte(seed))
	_, _ = h.Write([]byte(entry))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

const pruneEvery = time.Hour

// prune gives up what is older than the retention, now and then.
func (e *Exporter) prune(ctx context.Context) error {
	if e.Retention == 0 || time.Since(e.pruned) < pruneEvery {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, exportLimit)
	defer cancel()
	if err := e.Archive.Prune(ctx, time.Now().Add(-e.Retention)); err != nil {
		return fmt.Errorf("give up old records: %w", err)
	}
	e.pruned = time.Now()
	return nil
}
