package redisstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/otpipe/otpipe/internal/otp"
)

// enter stores what all processes must agree on, or tells what they disagree about.
//
// KEYS[1] the store's record   ARGV partitions, anchor mark, 1 to store, then ring, key id and mark of each key
// Returns {} or {what, stored, given}.
var enter = newTransition("enter", `
local call = redis.call
for i, field in ipairs({'partitions', 'anchor'}) do
  local stored = call('HGET', KEYS[1], field)
  if stored and stored ~= ARGV[i] then return {field, stored, ARGV[i]} end
end
local fresh, known = call('EXISTS', KEYS[1]) == 0, {}
for i = 4, #ARGV, 3 do
  local stored = call('HGET', KEYS[1], ARGV[i] .. '.' .. ARGV[i + 1])
  if stored and stored ~= ARGV[i + 2] then return {ARGV[i] .. ' key ' .. ARGV[i + 1], stored, ARGV[i + 2]} end
  known[ARGV[i]] = known[ARGV[i]] or stored or false
end
for ring, shared in pairs(known) do
  if not shared and not fresh then return {ring .. ' ring', 'other keys', 'none of them'} end
end
if ARGV[3] ~= '1' then return {} end
call('HSET', KEYS[1], 'partitions', ARGV[1], 'anchor', ARGV[2])
for i = 4, #ARGV, 3 do call('HSET', KEYS[1], ARGV[i] .. '.' .. ARGV[i + 1], ARGV[i + 2]) end
return {}`)

// DisagreementError says that this process and the store were set up differently.
type DisagreementError struct{ What, Stored, Given string }

func (e *DisagreementError) Error() string {
	return fmt.Sprintf("the store was set up with %s %s, this process has %s: use the store's, or another Redis database", e.What, e.Stored, e.Given)
}

// Enter is called once at the start of a process. The first one writes down the
// number of partitions and a mark of every key; one that disagrees with that
// would not find, or would damage, what the others wrote. Its errors are
// *DisagreementError and otp.ErrStoreUnavailable.
func (s *Store) Enter(ctx context.Context, partitions int, k otp.Keys) error {
	return s.agree(ctx, partitions, k, 1)
}

// Agrees is Enter without writing anything down.
func (s *Store) Agrees(ctx context.Context, partitions int, k otp.Keys) error {
	return s.agree(ctx, partitions, k, 0)
}

func (s *Store) agree(ctx context.Context, partitions int, k otp.Keys, keep int) error {
	args := []any{strconv.Itoa(partitions), k.Anchor.Mark(), keep}
	for _, ring := range []struct {
		name string
		ring otp.Ring
	}{{"digest", k.Digest}, {"fingerprint", k.Fingerprint}, {"seal", k.Seal}, {"session", k.Session}} {
		for _, key := range ring.ring.All() {
			args = append(args, ring.name, key.ID(), key.Mark())
		}
	}
	got, err := enter.script.Run(ctx, s.Redis, []string{storeKey}, args...).StringSlice()
	if err != nil {
		return enter.explained(unavailable(enter.name, err))
	}
	if len(got) == 3 {
		return &DisagreementError{got[0], got[1], got[2]}
	}
	return nil
}
