package redisstore

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/otpipe/otpipe/internal/otp"
)

var (
	setStanding = load("standing")
	standings   = load("standings")
	pace        = load("pace")
)

// The fields of a provider's record. Of a trip the channel stands behind it.
const (
	drainedField = "drained"
	pausedField  = "paused"
	trippedField = "tripped."
)

// Standings tells how providers stand, by name. Its error is otp.ErrStoreUnavailable.
func (s *Store) Standings(ctx context.Context, providers []string) (map[string]otp.Standing, error) {
	keys := make([]any, 0, len(providers))
	for _, p := range providers {
		keys = append(keys, providerKey(p))
	}
	r, err := s.run(ctx, standings, providerKey(""), keys...)
	if err != nil {
		return nil, err
	}
	all := make(map[string]otp.Standing, len(providers))
	for i, p := range providers {
		fields, _ := r[i+1].([]any)
		all[p] = readStanding(reply(fields), r.number(0))
	}
	return all, nil
}

// readStanding reads a provider's record as lua/standing.lua writes it.
func readStanding(fields reply, now int64) (s otp.Standing) {
	for i := 0; i+1 < len(fields); i += 2 {
		until, rest, _ := strings.Cut(fields.text(i+1), " ")
		since, what, _ := strings.Cut(rest, " ")
		left := time.Duration(max(0, whole(until)-now)) * time.Millisecond
		field := fields.text(i)
		switch channel, tripped := strings.CutPrefix(field, trippedField); {
		case tripped && left > 0:
			if s.Tripped == nil {
				s.Tripped = map[otp.Channel]time.Duration{}
			}
			s.Tripped[otp.Channel(channel)] = left
		case field == pausedField && left > 0:
			s.Paused, s.PausedWhy = left, what
		case field == drainedField:
			by, reason, _ := strings.Cut(what, " ")
			s.Drained = &otp.Drain{By: by, Reason: reason, At: instant(whole(since))}
		}
	}
	return s
}

// Pause leaves a provider alone for a while; a longer pause stays.
func (s *Store) Pause(ctx context.Context, provider string, d time.Duration, why string) error {
	_, err := s.run(ctx, setStanding, providerKey(provider), pausedField, max(1, ms(d)), why)
	return err
}

// Trip advises all workers not to try a provider on a channel; zero takes the
// advice back.
func (s *Store) Trip(ctx context.Context, provider string, ch otp.Channel, d time.Duration) error {
	hold := ms(d)
	if hold <= 0 {
		hold = -1
	}
	_, err := s.run(ctx, setStanding, providerKey(provider), trippedField+string(ch), hold, "")
	return err
}

// Drain orders all workers to use a provider no more.
func (s *Store) Drain(ctx context.Context, provider, actor, reason string) error {
	_, err := s.run(ctx, setStanding, providerKey(provider), drainedField, 0, actor+" "+reason, "provider.drained", provider, actor, reason)
	return err
}

// Resume takes back all that was said about a provider, whoever said it.
func (s *Store) Resume(ctx context.Context, provider, actor, reason string) error {
	_, err := s.run(ctx, setStanding, providerKey(provider), "", -1, "", "provider.resumed", provider, actor, reason)
	return err
}

// Pace takes one of the hand-overs that a provider may have in a second, by all
// workers together. wait is how long there is none left.
func (s *Store) Pace(ctx context.Context, provider string, perSecond float64) (wait time.Duration, err error) {
	r, err := s.run(ctx, pace, paceKey(provider), strconv.FormatFloat(perSecond, 'f', -1, 64))
	return r.duration(0), err
}
