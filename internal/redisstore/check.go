package redisstore

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
)

var check = load("check")

// Check counts a guess and compares it. Its errors are *otp.LimitError while
// the recipient is locked, and otp.ErrStoreUnavailable.
func (s *Store) Check(ctx context.Context, g otp.Guess) (otp.Verdict, error) {
	r, err := s.guess(ctx, g, "", 0)
	return verdict(r), err
}

// Count counts a guess that is to be compared elsewhere. decided tells that the
// verdict is there already, and nothing is to be compared. Its errors are those of
// Check.
func (s *Store) Count(ctx context.Context, g otp.Guess) (c otp.Counted, v otp.Verdict, decided bool, err error) {
	r, err := s.guess(ctx, g, "count", 0)
	if err == nil && r.text(0) == "counted" {
		return otp.Counted{ID: otp.ID(r.text(1)), Slot: otp.Slot(r.text(3)), At: r.number(4)}, v, false, nil
	}
	return c, verdict(r), true, err
}

// Decide is the verdict about a guess that was counted, by how its comparison went. A code
// that another has replaced meanwhile is not right any more.
func (s *Store) Decide(ctx context.Context, g otp.Guess, c otp.Counted, right bool) (otp.Verdict, error) {
	g.ID, g.Digests = c.ID, nil
	if right {
		g.Digests = []otp.Digest{c.Slot.In(g.Policy.Codes)}
	}
	r, err := s.guess(ctx, g, "decide", c.At)
	return verdict(r), err
}

// Undo takes back that a guess was counted which nobody compared.
func (s *Store) Undo(ctx context.Context, g otp.Guess, c otp.Counted) error {
	g.ID, g.Digests = c.ID, nil
	_, err := s.guess(ctx, g, "undo", c.At)
	return err
}

func (s *Store) guess(ctx context.Context, g otp.Guess, mode string, countedAt int64) (reply, error) {
	var key string
	if g.ID != "" {
		key = verificationKey(g.ID)
	} else {
		key = stateKey(g.Owner.Namespace, "otp", g.Owner.Partition, who(g.Owner))
	}
	p := g.Policy
	args := []any{
		g.Owner.Partition.String(), string(g.Owner.Namespace), string(g.ID),
		joined(g.Owner.Identity), joined(g.Owner.Limit), string(g.Owner.Binding), string(g.Nonce),
		g.Sessions[0].Key, hashes(g.Sessions), ms(p.SessionLife),
		p.LockAfter, ms(p.FailWindow), ms(p.StrikeLife), locks(p.Locks), mode, countedAt,
	}
	for _, d := range g.Digests {
		args = append(args, d.Key, d.Sum)
	}
	r, err := s.runDurable(ctx, check, key, args...)
	if err == nil && r.text(0) == "locked" {
		err = &otp.LimitError{Limit: otp.LimitLock, RetryAfter: r.duration(1), ID: otp.ID(r.text(2)), ExpiresAt: r.at(3)}
	}
	return r, err
}

func verdict(r reply) otp.Verdict {
	if r.text(0) != "answer" {
		return otp.Verdict{}
	}
	return otp.Verdict{
		ID: otp.ID(r.text(1)), Status: otp.Status(r.text(2)), Reason: otp.Reason(r.text(3)),
		ChecksLeft: int(r.number(4)), LockedUntil: r.at(5),
		SessionKey: r.text(6), ExpiresAt: r.at(7), Channel: otp.Channel(r.text(8)), After: r.duration(9),
	}
}

func hashes(seeds []otp.SessionSeed) string {
	all := make([]string, len(seeds))
	for i, s := range seeds {
		all[i] = s.Hash
	}
	return strings.Join(all, " ")
}

func locks(ds []time.Duration) string {
	all := make([]string, len(ds))
	for i, d := range ds {
		all[i] = strconv.FormatInt(ms(d), 10)
	}
	return strings.Join(all, " ")
}

// Locate tells what a check by id needs to know of a verification before its
// code can be digested: the owner's namespace, partition and anchor, none of
// which ever changes. Its errors are otp.ErrNotFound and otp.ErrStoreUnavailable.
func (s *Store) Locate(ctx context.Context, id otp.ID) (otp.Owner, error) {
	opened, err := s.Redis.HGet(ctx, verificationKey(id), "i").Result()
	if errors.Is(err, redis.Nil) {
		return otp.Owner{}, otp.ErrNotFound
	}
	if err != nil {
		return otp.Owner{}, unavailable("locate", err)
	}
	w := strings.Fields(opened) // see lua/record.lua
	return otp.Owner{Namespace: otp.Namespace(w[0]), Partition: id.Partition(), Anchor: otp.Anchor(w[4])}, nil
}
