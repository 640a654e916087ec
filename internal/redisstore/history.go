package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
)

// Find tells all that happened to a verification. Its errors are
// otp.ErrNotFound and otp.ErrStoreUnavailable.
func (s *Store) Find(ctx context.Context, id otp.ID) (otp.History, error) {
	all, err := s.Histories(ctx, []otp.ID{id})
	if err == nil && len(all) == 0 {
		err = otp.ErrNotFound
	}
	if err != nil {
		return otp.History{}, err
	}
	return all[0], nil
}

// recordAndTime reads a verification, and the clock that its deadlines are compared
// with: in a cluster each node has its own.
const recordAndTime = `return {redis.call('TIME'), redis.call('HGETALL', KEYS[1])}`

// Histories tells of those verifications that are still kept, in the order of
// ids. Its error is otp.ErrStoreUnavailable.
func (s *Store) Histories(ctx context.Context, ids []otp.ID) ([]otp.History, error) {
	records := make([]*redis.Cmd, len(ids))
	_, err := s.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			records[i] = p.Eval(ctx, recordAndTime, []string{verificationKey(id)})
		}
		return nil
	})
	if err != nil {
		return nil, unavailable("find", err)
	}
	all := make([]otp.History, 0, len(ids))
	for i, r := range records {
		fields, now, err := s.record(r)
		if err != nil {
			return nil, unavailable("find", err)
		}
		if len(fields) == 0 {
			continue
		}
		h, err := history(ids[i], fields, now)
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

// record reads the answer to recordAndTime.
func (s *Store) record(answer *redis.Cmd) (fields map[string]string, now time.Time, err error) {
	got, err := answer.Slice()
	if err != nil || len(got) != 2 {
		return nil, now, err
	}
	clock, _ := got[0].([]any)
	now = time.Unix(whole(reply(clock).text(0)), whole(reply(clock).text(1))*1000)
	if s.Offset != nil {
		now = now.Add(s.Offset())
	}
	list, _ := got[1].([]any)
	fields = make(map[string]string, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		fields[reply(list).text(i)] = reply(list).text(i + 1)
	}
	return fields, now, nil
}

// Recent names the newest verifications of an owner's recipient, in all
// namespaces and under every binding, the newest first. Its error is
// otp.ErrStoreUnavailable.
func (s *Store) Recent(ctx context.Context, o otp.Owner) ([]otp.Mention, error) {
	lists := make([]*redis.StringSliceCmd, len(o.Identity))
	_, err := s.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, fp := range o.Identity { // under an old key until it is touched
			lists[i] = p.LRange(ctx, recentKey(o.Partition, fp), 0, -1)
		}
		return nil
	})
	if err != nil {
		return nil, unavailable("recent", err)
	}
	var all []otp.Mention
	for _, l := range lists {
		for _, entry := range l.Val() {
			id, rest, _ := strings.Cut(entry, " ")
			ns, _, _ := strings.Cut(rest, " ")
			all = append(all, otp.Mention{ID: otp.ID(id), Namespace: otp.Namespace(ns)})
		}
	}
	return all, nil
}

// history reads a record as lua/record.lua writes it.
func history(id otp.ID, f map[string]string, now time.Time) (h otp.History, err error) {
	opened, moving := strings.Fields(f["i"]), strings.Fields(f["v"])
	if len(opened) != 9 || len(moving) != 7 {
		return h, errors.New("redis: read verification: not of the form that this version writes")
	}
	h = otp.History{
		ID: id, Namespace: otp.Namespace(opened[0]), Masked: opened[5],
		MaxChecks: int(whole(opened[6])), MaxSends: int(whole(opened[7])), CreatedAt: instant(whole(opened[8])),
		Status: otp.Status(moving[0]), ExpiresAt: instant(whole(moving[1])), Channel: otp.Channel(moving[2]),
		Checks: int(whole(moving[4])), LockedTill: instant(whole(moving[6])), Now: now.UTC(),
	}
	if h.Status == otp.Pending && !now.Before(h.ExpiresAt) {
		h.Status = otp.Expired // true already, though the watch has yet to settle it
	}
	for n := range whole(moving[3]) {
		send, err := sendRecord(f["s"+strconv.FormatInt(n+1, 10)])
		if err != nil {
			return otp.History{}, err
		}
		h.Sends = append(h.Sends, send)
	}
	h.Steps, err = steps(f["j"])
	return h, err
}

// sendRecord reads a send as lua/sends.lua writes it.
func sendRecord(text string) (otp.SendRecord, error) {
	var wire struct {
		Ch string
		At int64
		Rf int
		M  string
		A  json.RawMessage
	}
	state, fields, _ := strings.Cut(text, " ")
	if err := json.Unmarshal([]byte(fields), &wire); err != nil {
		return otp.SendRecord{}, fmt.Errorf("redis: read send: %w", err)
	}
	s := otp.SendRecord{Channel: otp.Channel(wire.Ch), State: otp.State(state), AskedAt: instant(wire.At), Refunded: wire.Rf == 1, Masked: wire.M}
	if len(wire.A) == 0 {
		return s, nil
	}
	var err error
	s.Attempts, err = attempts(wire.A)
	return s, err
}

// steps reads a journal: "ms send attempt state provider ref reason" a line, "-" for nothing.
func steps(journal string) (all []otp.Step, err error) {
	for line := range strings.Lines(journal) {
		w := strings.Fields(line)
		if len(w) != 7 {
			return nil, fmt.Errorf("redis: read journal: a step of %d words", len(w))
		}
		for i := range w {
			if w[i] == "-" {
				w[i] = ""
			}
		}
		all = append(all, otp.Step{
			At: instant(whole(w[0])), Send: int(whole(w[1])), Attempt: int(whole(w[2])),
			State: w[3], Provider: w[4], Ref: w[5], Reason: w[6],
		})
	}
	return all, nil
}

// whole reads a number that a script wrote; what is missing is 0.
func whole(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
