package redisstore

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
)

// Forgotten is what was erased of a recipient.
type Forgotten struct {
	Keys   int // limits, codes, sessions and verifications, each with all that it holds
	Events int // of the stream
	// Waiting are events that somebody still has to read, such as the audit trail's
	// exporter. They stay: ask again when they have been read.
	Waiting int
}

const forgetPage = 500 // keys or events looked at at a time

// ForgetRecipient erases what is kept of a recipient: everything of the owner, whatever the
// namespace and binding. It looks at all keys of the partition, so it takes its time
// where there are many.
func (s *Store) ForgetRecipient(ctx context.Context, o otp.Owner) (f Forgotten, err error) {
	node, err := s.node(ctx, dueKey(o.Partition))
	if err != nil {
		return f, unavailable("forget", err)
	}
	for cursor := uint64(0); ; {
		var keys []string
		keys, cursor, err = node.Scan(ctx, cursor, "*{"+o.Partition.String()+"}*", forgetPage).Result()
		if err != nil {
			return f, unavailable("forget", err)
		}
		for _, key := range keys {
			n, err := s.forgetKey(ctx, o, key)
			if f.Keys += n; err != nil {
				return f, unavailable("forget", err)
			}
		}
		if cursor == 0 {
			break
		}
	}
	return f, unavailable("forget", s.forgetEvents(ctx, o, &f))
}

// forgetKey deletes a key that is about the recipient.
func (s *Store) forgetKey(ctx context.Context, o otp.Owner, key string) (int, error) {
	_, name, _ := strings.Cut(key, "{"+o.Partition.String()+"}")
	switch {
	case strings.HasPrefix(key, "v:"):
		opened, err := s.Redis.HGet(ctx, key, "i").Result()
		if err != nil || !about(opened, o.Anchor) {
			return 0, ignoreNil(err)
		}
		return 1, s.forgetVerification(ctx, o.Partition, key, name)
	case strings.Contains(key, ":session:"):
		text, err := s.Redis.Get(ctx, key).Result()
		if err != nil || !about(text, o.Anchor) {
			return 0, ignoreNil(err)
		}
	case !theirs(o, name):
		return 0, nil
	}
	return 1, s.Redis.Del(ctx, key).Err()
}

// about tells whether a value's words name the anchor.
func about(words string, a otp.Anchor) bool { return slices.Contains(strings.Fields(words), string(a)) }

func ignoreNil(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

// theirs tells whether a key's name begins with one of the recipient's fingerprints.
func theirs(o otp.Owner, name string) bool {
	fp, _, _ := strings.Cut(name, ":")
	return slices.Contains(o.Identity, otp.Fingerprint(fp)) || slices.Contains(o.Limit, otp.Fingerprint(fp))
}

// forgetVerification deletes one, and with it what the watch has to look after.
func (s *Store) forgetVerification(ctx context.Context, p otp.Partition, key, id string) error {
	var members []any
	for n := range 21 { // as many sends as a policy may allow, and the verification itself
		members = append(members, id+"/"+strconv.Itoa(n))
	}
	if err := s.Redis.ZRem(ctx, dueKey(p), members...).Err(); err != nil {
		return err
	}
	return s.Redis.Del(ctx, key).Err()
}

// forgetEvents deletes the recipient's events that all who read them have read.
func (s *Store) forgetEvents(ctx context.Context, o otp.Owner, f *Forgotten) error {
	stream := eventsKey(o.Partition)
	read, err := s.readUntil(ctx, stream)
	if err != nil {
		return err
	}
	for from := "-"; ; {
		events, err := s.Redis.XRangeN(ctx, stream, from, "+", forgetPage).Result()
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Values["an"] != string(o.Anchor) {
				continue
			}
			if read == "" || laterEntry(e.ID, read) {
				f.Waiting++
				continue
			}
			if err := s.Redis.XDel(ctx, stream, e.ID).Err(); err != nil {
				return err
			}
			f.Events++
		}
		if len(events) < forgetPage {
			return nil
		}
		from = "(" + events[len(events)-1].ID
	}
}

// readUntil is the last entry that every group of a stream has finished; "" if one of
// them is in the middle of something.
func (s *Store) readUntil(ctx context.Context, stream string) (string, error) {
	groups, err := s.Redis.XInfoGroups(ctx, stream).Result()
	if redis.HasErrorPrefix(err, "no such key") {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	until := "18446744073709551615-0"
	for _, g := range groups {
		if g.Pending > 0 {
			return "", nil
		}
		if laterEntry(until, g.LastDeliveredID) {
			until = g.LastDeliveredID
		}
	}
	return until, nil
}
