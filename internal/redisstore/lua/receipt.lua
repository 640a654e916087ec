-- receipt: what a provider reports later about one attempt. Late, twice, out of
-- order, foreign or unknown: it changes nothing it should not.
--
-- KEYS[1] the verification
-- ARGV[3..] partition, id, n, attempt, provider, ref or "" if the report does not know it, state,
--   reason, class, ms of suppression or 0, least life left for another hand-over, ms until the watch looks after it,
--   ms after which its provider is asked what became of it
-- Returns {"moved", channel, ms since the send was asked for, claims so far if another provider is to be
--   asked, else -1, and of another address' recipient who is to be suppressed partition and fingerprint},
--   {"stale"} or {"foreign"}.

-- include clock
-- include record
-- include sends
-- include limits
-- include ending
-- include rank

local p, id, n, attempt, provider, ref, state, reason, class, silence, least, patience, ask = unpack(ARGV, 3, 15)
n, attempt, silence, least, patience, ask = tonumber(n), tonumber(attempt), tonumber(silence), tonumber(least), tonumber(patience), tonumber(ask)

-- Who has a receipt to give had taken the message.
if state == 'failed' then state = 'undelivered' end

local v = find(p, id)
local s = v and send(v, n)
local a = s and s.a[attempt]
if not a or a.p ~= provider or (a.ref and ref ~= '' and a.ref ~= ref) then return {'foreign'} end

local arrived = state == 'accepted' or state == 'sent' or state == 'delivered'
local moved = RANK[state] > RANK[a.st]
-- The answer that never came has come another way.
local settles = arrived and s.st == 'queued' and (moved or a.st == 'unknown')
if not moved and not settles then
  -- Said again, perhaps because the other slot did not hear of it the first time.
  if silence > 0 and s.fp and a.st == state then return {'stale', s.ch, 0, -1, s.fpp, s.fp} end
  return {'stale'}
end

if ref == '' then ref = a.ref or '' else a.ref = ref end
if moved then a.st = state end
if moved and state == 'undelivered' and s.st == 'queued' then s.back = 1 end
note_attempt(v, n, attempt, state, a.p, ref, reason)
save(v, n, s)
if settles then
  close(v, n, s, 'accepted')
  if state == 'accepted' or state == 'sent' and s.ch ~= 'email' then await(v, n, s, ask) end
elseif s.st == 'accepted' and state == 'unknown' then
  close(v, n, s, 'unknown')
elseif state == 'delivered' or s.st == 'accepted' and not open_ended(s) and (given_up(s) or not s.over) then
  s.ask, s.over = nil, nil
  save(v, n, s)
  if s.st == 'accepted' then call('ZREM', due_key(p), id .. '/' .. n) end
end
local p2, fp2 = '', ''
if silence > 0 and moved then p2, fp2 = suppress_recipient(v, s, silence) end

local again = -1
if moved and state == 'undelivered' then
  local live = v.st == 'pending' and n == v.n and v.exp - NOW >= least
  local theirs = class == 'recipient'
  local turn = theirs and turns(v, n)
  if s.st == 'accepted' and given_up(s) and live and (turn or not theirs) then
    s.st, s.asked, s.back, s.turn = 'queued', nil, 1, turn and 1 or nil
    save(v, n, s)
    note_send(v, n, 'queued', nil, 'undelivered')
    due_at(v, n, NOW + patience)
    again = s.k
  elseif theirs then
    -- Nobody will do better for a recipient who is at fault.
    if s.st == 'queued' and turn then
      s.turn = 1
      save(v, n, s)
    elseif s.st == 'queued' then
      close(v, n, s, 'failed')
      note_send(v, n, 'failed', a.p, reason)
    end
  elseif s.st ~= 'queued' and (class == 'provider' or class == 'throttled') then
    pardon(v, n, s)
  end
end
commit(v)
return {'moved', s.ch, NOW - s.at, again, p2, fp2}
