-- sending: the last look before a hand-over. Nothing leaves the house without it.
--
-- KEYS[1] the verification
-- ARGV[3..] partition, id, n, attempt, provider, holder, lease ms, least life left
-- Returns {"go", ms left}, or {"lost"} or {"over"} when there is nothing to hand over.

-- include clock
-- include record
-- include sends
-- include limits
-- include ending

local p, id, n, attempt, provider, holder, lease, least = unpack(ARGV, 3, 10)
n, attempt, lease, least = tonumber(n), tonumber(attempt), tonumber(lease), tonumber(least)

local v = find(p, id)
local s = v and send(v, n)
if not s or s.st ~= 'queued' then return {'over'} end
if s.by ~= holder or (s.lease or 0) <= NOW then return {'lost'} end

-- A later send carries the code from here on, and it may be another one by now.
local later = n < v.n
if v.st ~= 'pending' or later or v.exp - NOW < least then
  local last = s.a[#s.a]
  if not (last and last.st == 'sending') then
    local late = (v.st == 'pending' and not later) or v.st == 'expired'
    abandon(v, n, s, late and 'expired' or v.st == 'canceled' and 'canceled' or 'superseded')
    commit(v)
  end
  return {'over'}
end

if s.turn then -- a receipt has said so meanwhile
  s.by, s.lease = nil, nil
  save(v, n, s)
  due_at(v, n, NOW)
  commit(v)
  return {'over'}
end

local last = s.a[attempt]
if not last and attempt == #s.a + 1 then
  s.a[attempt] = {p = provider, st = 'sending'}
  note_attempt(v, n, attempt, 'sending', provider)
elseif not (last and attempt == #s.a and last.st == 'sending' and last.p == provider) then
  return {'lost'} -- not ours, and not our own command repeated by the network
end
s.lease = NOW + lease -- also for a repeated command: the hand-over begins with its answer
save(v, n, s)
due_at(v, n, s.lease)
commit(v)
return {'go', v.exp - NOW}
