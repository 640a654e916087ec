-- divert: an operator has the code go to one of the other addresses that were
-- named at the start, without waiting for what becomes of it at the first.
--
-- KEYS[1] the verification
-- ARGV[3..] partition, id, channel and mask of one of the other addresses, who does it, why, least life left for a hand-over
-- Returns {"due", n, channel, claims so far}: the send whose holder will turn it;
--   {"busy"} while it is being handed over, {"finished"} if nothing may be sent any more,
--   {"none"} if there is no such address or no such verification.

-- include clock
-- include record
-- include sends

local p, id, channel, mask, actor, reason, least = unpack(ARGV, 3, 9)
local v = find(p, id)
if not v then return {'none'} end
if v.st ~= 'pending' or v.exp - NOW < tonumber(least) then return {'finished'} end
local s = send(v, v.n)
local others = call('HGET', v.key, 'b')
if not others or not s then return {'none'} end

local wait, chosen, rest = string.match(others, '^%d+'), nil, ''
for line in string.gmatch(others, '\n[^\n]+') do
  local to, masked = string.match(line, '(%S+) (%S+)')
  if not chosen and to == channel and masked == mask then chosen = line else rest = rest .. line end
end
if not chosen then return {'none'} end

if s.st == 'queued' and s.lease and s.lease > NOW then return {'busy'} end
if s.st == 'queued' then
  s.to = 1
elseif s.st == 'accepted' then
  s.over = NOW
else
  return {'none'} -- nobody will work on it again
end
set(v, 'b', wait .. chosen .. rest)
act(v, 'diverted', actor, reason)
save(v, v.n, s)
due_at(v, v.n, NOW)
commit(v)
return {'due', v.n, s.ch, s.k}
