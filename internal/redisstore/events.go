package redisstore

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	listen = load("listen")
	told   = load("told")
)

// Tell adds an event that is about no verification; pairs are names and values, as
// Event has them.
func (s *Store) Tell(ctx context.Context, p otp.Partition, pairs ...string) error {
	args := []any{p.String()}
	for _, text := range pairs {
		args = append(args, text)
	}
	_, err := s.run(ctx, told, eventsKey(p), args...)
	return err
}

// Group hears all events once, whatever other groups hear; see lua/listen.lua.
// It may be used by many goroutines and processes at once: each event goes to
// one of them.
type Group struct {
	*Store
	Name string
}

// Listen takes the next events of a partition, at most so many: first those
// that somebody took and has not finished for a while, then new ones. It begins
// with the oldest that the stream still has. missed counts those that were
// trimmed before anybody finished them; Redis 6 does not tell.
func (g Group) Listen(ctx context.Context, p otp.Partition, most int, after time.Duration) (all []otp.Event, missed int, err error) {
	r, err := g.run(ctx, listen, eventsKey(p), p.String(), most, after.Milliseconds(), g.Name)
	if err != nil || len(r) == 0 {
		return nil, 0, err
	}
	for _, entry := range r[1:] {
		if e, ok := entry.([]any); ok {
			all = append(all, readEvent(p, e))
		}
	}
	return all, int(r.number(0)), nil
}

// Heard finishes events: nobody of the group takes them again.
func (g Group) Heard(ctx context.Context, p otp.Partition, entries []string) error {
	return unavailable("heard", g.Redis.XAck(ctx, eventsKey(p), g.Name, entries...).Err())
}

// readEvent reads what event in lua/record.lua wrote.
func readEvent(p otp.Partition, entry reply) otp.Event {
	e := otp.Event{Entry: entry.text(0), Partition: p}
	ms, _, _ := strings.Cut(e.Entry, "-")
	if at, err := strconv.ParseInt(ms, 10, 64); err == nil {
		e.At = instant(at)
	}
	var fields reply
	if len(entry) > 1 {
		fields, _ = entry[1].([]any)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		setField(&e, fields.text(i), fields.text(i+1))
	}
	return e
}

func setField(e *otp.Event, name, value string) {
	switch name {
	case "type":
		e.Kind = value
	case "id":
		e.Verification = otp.ID(value)
	case "ns":
		e.Namespace = otp.Namespace(value)
	case "to":
		e.To = value
	case "send":
		e.Send, _ = strconv.Atoi(value)
	case "attempt":
		e.Attempt, _ = strconv.Atoi(value)
	case "provider":
		e.Provider = value
	case "reason":
		e.Reason = value
	case "actor":
		e.Actor = value
	case "by":
		e.Caller = value
	case "req":
		e.Request = value
	case "from":
		e.Client = value
	case "an":
		e.Anchor = otp.Anchor(value)
	case "way":
		e.Way = otp.Way(value)
	}
}

// laterEntry tells whether an entry of a stream stands behind another.
func laterEntry(a, b string) bool {
	am, an := entryParts(a)
	bm, bn := entryParts(b)
	return am > bm || am == bm && an > bn
}

func entryParts(entry string) (ms, n uint64) {
	left, right, _ := strings.Cut(entry, "-")
	ms, _ = strconv.ParseUint(left, 10, 64)
	n, _ = strconv.ParseUint(right, 10, 64)
	return ms, n
}
