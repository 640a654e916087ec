package redisstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
)

// Tallies counts, for the hours from the one of from to the one of to, what was
// asked for in them; see lua/tally.lua. Hours, namespaces and channels in which
// nothing happened are left out. Its error is otp.ErrStoreUnavailable.
func (s *Store) Tallies(ctx context.Context, partitions int, from, to time.Time) ([]otp.Tally, error) {
	var hours []int64
	var read []*redis.MapStringStringCmd
	_, err := s.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for h := hourOf(from); h <= hourOf(to); h++ {
			for p := range partitions {
				hours = append(hours, h)
				read = append(read, pipe.HGetAll(ctx, tallyKey(otp.Partition(p), h)))
			}
		}
		return nil
	})
	if err != nil {
		return nil, unavailable("tallies", err)
	}
	all := tallies{}
	for i, r := range read {
		for field, n := range r.Val() {
			all.add(hours[i], field, int(whole(n)))
		}
	}
	return all.sorted(), nil
}

func hourOf(at time.Time) int64 { return at.Unix() / 3600 }

// tallyOf names a tally.
type tallyOf struct {
	hour int64
	ns   otp.Namespace
	ch   otp.Channel
}

type tallies map[tallyOf]*otp.Tally

// add adds a field that lua/tally.lua has written.
func (all tallies) add(hour int64, field string, n int) {
	w := strings.Fields(field) // namespace, channel, what, and perhaps whose doing
	if len(w) < 3 || n == 0 {
		return
	}
	t := all.of(tallyOf{hour, otp.Namespace(w[0]), otp.Channel(w[1])})
	what, by := w[2], ""
	if len(w) > 3 && w[3] != "-" {
		by = w[3]
	}
	bucket, delay := strings.CutPrefix(what, "within.")
	switch {
	case delay:
		t.Delays[int(whole(bucket))] += n
	case what == "opened":
		t.Opened += n
	case what == "approved":
		t.Approved += n
	case what == "resent":
		t.Resent += n
	case what == "refused":
		t.Refused[by] += n
	case what == "taken":
		t.Stand[otp.Standpoint{State: otp.Accepted, Provider: by}] += n
	default:
		t.Stand[otp.Standpoint{State: otp.State(what), Provider: by}] += n
	}
}

func (all tallies) of(name tallyOf) *otp.Tally {
	t := all[name]
	if t == nil {
		t = &otp.Tally{
			Hour: time.Unix(name.hour*3600, 0).UTC(), Namespace: name.ns, Channel: name.ch,
			Stand: map[otp.Standpoint]int{}, Refused: map[string]int{}, Delays: otp.Delays{},
		}
		all[name] = t
	}
	return t
}

func (all tallies) sorted() []otp.Tally {
	list := make([]otp.Tally, 0, len(all))
	for _, t := range all {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b otp.Tally) int {
		return cmp.Or(a.Hour.Compare(b.Hour), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Channel, b.Channel))
	})
	return list
}
