package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var unblock = load("unblock")

// guardText tells a script of a guard; see lua/toll.lua.
func guardText(g *otp.Guard) string {
	if g == nil || len(g.Ranges) == 0 {
		return ""
	}
	mode := "shadow"
	if g.Block {
		mode = "block"
	}
	counts := "0"
	if g.Counts {
		counts = "1"
	}
	text := fmt.Sprintf("%s %s %g %d %d %d", mode, counts, g.Ratio, ms(g.Window), ms(g.Grace), ms(g.Length))
	for _, r := range g.Ranges {
		text += " " + r.Name + " " + strconv.Itoa(r.Least)
	}
	return text
}

// tollKey is never in a cluster: it is of many recipients.
func tollKey(name string) string { return "toll:" + name }

// Unblock lets texts go to a range again, and forgets what was counted there.
func (s *Store) Unblock(ctx context.Context, name, actor, reason string) (there bool, err error) {
	r, err := s.run(ctx, unblock, tollKey(name), name, actor, reason)
	return r.number(0) == 1, err
}

// Ranges tells how all ranges stand that texts went to within their window, by name.
func (s *Store) Ranges(ctx context.Context) (all []otp.RangeState, err error) {
	var keys []string
	scan := s.Redis.Scan(ctx, 0, tollKey("*"), forgetPage).Iterator()
	for scan.Next(ctx) {
		keys = append(keys, scan.Val())
	}
	if err := scan.Err(); err != nil {
		return nil, unavailable("ranges", err)
	}
	slices.Sort(keys)
	now, err := s.Redis.Time(ctx).Result()
	if err != nil {
		return nil, unavailable("ranges", err)
	}
	if s.Offset != nil {
		now = now.Add(s.Offset())
	}
	for _, key := range slices.Compact(keys) {
		f, err := s.Redis.HGetAll(ctx, key).Result()
		if err != nil {
			return nil, unavailable("ranges", err)
		}
		all = append(all, rangeState(strings.TrimPrefix(key, tollKey("")), f, now))
	}
	return all, nil
}

func rangeState(name string, f map[string]string, now time.Time) otp.RangeState {
	r := otp.RangeState{Name: name}
	if until, err := strconv.ParseInt(f["until"], 10, 64); err == nil {
		r.Blocked = max(0, instant(until).Sub(now))
	}
	window, _ := strconv.ParseInt(f["window"], 10, 64)
	slices := strings.Fields(f["slices"])
	for i := 0; i+2 < len(slices); i += 3 {
		at, _ := strconv.ParseInt(slices[i], 10, 64)
		if instant(at + window).Before(now) {
			continue
		}
		sends, _ := strconv.Atoi(slices[i+1])
		used, _ := strconv.Atoi(slices[i+2])
		r.Sends, r.Used = r.Sends+sends, r.Used+used
	}
	return r
}
