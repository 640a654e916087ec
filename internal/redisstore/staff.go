package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	knock   = load("knock")
	welcome = load("welcome")
	visit   = load("visit")
	leave   = load("leave")
)

// referralLife is how long somebody may take at the identity provider.
const referralLife = 10 * time.Minute

// Knock counts a try to sign in, before anything is compared. wait is how long
// none is left, and limit what is used up: of the place, the name, or the name
// from this place. actor is the name if somebody has it: what else people type
// into that field may be a password.
func (s *Store) Knock(ctx context.Context, k otp.Knock, actor string) (wait time.Duration, limit string, err error) {
	r, err := s.run(ctx, knock, staffKey("tries:place", k.Place), k.Place, k.Name, k.Pair, actor)
	return r.duration(0), r.text(1), err
}

// Welcome opens a visit of at most so long under a new pass, and ends the one
// that the browser had before. The knock's tries are forgotten.
func (s *Store) Welcome(ctx context.Context, p, before otp.Pass, v otp.Visit, k otp.Knock, longest, idle time.Duration) error {
	old := ""
	if before.Is() {
		old = before.Hash()
	}
	_, err := s.run(ctx, welcome, staffKey("visit", p.Hash()), old, k.Place, k.Name, k.Pair,
		v.Who.Name, string(v.Who.Role), joinedNames(v.Who.Namespaces), string(v.Way), v.Mark, ms(longest), ms(idle))
	return err
}

// Visit returns the visit that a pass opens, unless nobody has clicked for so
// long; click tells whether this is one. Its errors are otp.ErrNotFound and
// otp.ErrStoreUnavailable.
func (s *Store) Visit(ctx context.Context, p otp.Pass, idle time.Duration, click bool) (otp.Visit, error) {
	r, err := s.run(ctx, visit, staffKey("visit", p.Hash()), ms(idle), click)
	if err != nil {
		return otp.Visit{}, err
	}
	if len(r) == 0 {
		return otp.Visit{}, otp.ErrNotFound
	}
	who := otp.Staff{Name: r.text(0), Role: otp.Role(r.text(1)), Namespaces: splitNames(r.text(2))}
	return otp.Visit{Who: who, Way: otp.Way(r.text(3)), Mark: r.text(4), Until: r.at(5)}, nil
}

// Leave ends a visit and tells whose it was and how they came. why is "" if they
// wanted to. Its errors are otp.ErrNotFound and otp.ErrStoreUnavailable.
func (s *Store) Leave(ctx context.Context, p otp.Pass, why string) (actor string, way otp.Way, err error) {
	r, err := s.run(ctx, leave, staffKey("visit", p.Hash()), why)
	if err == nil && len(r) == 0 {
		err = otp.ErrNotFound
	}
	return r.text(0), otp.Way(r.text(1)), err
}

// TurnedAway notes that somebody was not let in: actor if it is known who.
func (s *Store) TurnedAway(ctx context.Context, actor string, way otp.Way, reason string) error {
	return s.Tell(ctx, 0, "type", "staff.refused", "actor", actor, "way", string(way), "reason", reason)
}

// Refer keeps a referral for the browser that has the pass.
func (s *Store) Refer(ctx context.Context, p otp.Pass, r otp.Referral) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write a referral: %w", err)
	}
	return unavailable("refer", s.Redis.Set(ctx, staffKey("referral", p.Hash(r.State)), text, referralLife).Err())
}

// Return takes the referral of a browser that comes back with this state: once.
// Its errors are otp.ErrNotFound and otp.ErrStoreUnavailable.
func (s *Store) Return(ctx context.Context, p otp.Pass, state string) (r otp.Referral, err error) {
	text, err := s.Redis.GetDel(ctx, staffKey("referral", p.Hash(state))).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return r, otp.ErrNotFound
	case err != nil:
		return r, unavailable("return", err)
	case json.Unmarshal(text, &r) != nil || r.State != state:
		return otp.Referral{}, otp.ErrNotFound
	}
	return r, nil
}

func joinedNames(all []otp.Namespace) string {
	names := make([]string, 0, len(all))
	for _, ns := range all {
		names = append(names, string(ns))
	}
	return strings.Join(names, " ")
}

func splitNames(text string) (all []otp.Namespace) {
	for _, name := range strings.Fields(text) {
		all = append(all, otp.Namespace(name))
	}
	return all
}
