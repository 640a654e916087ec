-- turn: the holder of a send has the code go to the first of the other addresses,
-- or strikes that out because its recipient's limits are used up.
--
-- KEYS[1] the verification
-- ARGV[3..] partition, id, n, holder, which limit or "", the other owner's partition and fingerprint,
--   ms until the watch looks after the new send
-- Returns {"next", the new send, its channel}, {"more", the next address} while there is another,
--   {"closed", state} if there is none, {"closed", "queued"} if it is to be tried again here, or {"lost"}.

-- include clock
-- include record
-- include sends
-- include limits
-- include ending

local p, id, n, holder, limit, p2, fp2, patience = unpack(ARGV, 3, 10)
n, patience = tonumber(n), tonumber(patience)

local v = find(p, id)
local s = v and send(v, n)
if not s or not turns(v, n) or s.by ~= holder then return {'lost'} end
if s.st == 'accepted' and not s.over then return {'lost'} end -- it has arrived meanwhile

local all = call('HGET', v.key, 'b')
local wait, first, rest = string.match(all, '^(%d+)\n([^\n]+)(.*)$')
local channel, mask, letter = string.match(first, '^(%S+) (%S+) (%S+)$')
if limit == '' and v.n >= v.smax then limit = 'sends' end
if rest == '' then call('HDEL', v.key, 'b') else set(v, 'b', wait .. rest) end

if limit ~= '' then note_send(v, n, 'fallback_refused', nil, limit) end
local ordered = s.to
s.to = nil
if limit ~= '' and rest ~= '' then
  s.to = ordered
  save(v, n, s)
  commit(v)
  return {'more', string.match(rest, '^\n([^\n]+)')}
end

-- Where it may go nowhere else and a provider may still take it, it goes on as if
-- there had been no other address. Otherwise the send ends here, or has ended.
if limit ~= '' and s.st == 'queued' and not s.turn and unknowns(s) < 2 then
  save(v, n, s)
elseif s.st == 'accepted' then
  s.by, s.lease, s.over = nil, nil, nil
  if s.ask then ask_at(v, n, s, s.ask) else save(v, n, s) end
elseif ordered and not s.turn then
  abandon(v, n, s, 'superseded')
elseif s.turn and not s.back and unknowns(s) == 0 then
  local last = s.a[#s.a]
  close(v, n, s, last and 'failed' or 'suppressed')
  note_send(v, n, last and 'failed' or 'suppressed', last and last.p, last and last.why)
else
  if #s.a == 0 and not s.why then s.why = 'no_provider_open' end
  abandon(v, n, s, 'expired')
end
if limit ~= '' then
  commit(v)
  return {'closed', s.st}
end

local m = v.n + 1
v.n, v.ch = m, channel
local other = {st = 'queued', ch = channel, at = NOW, nonce = '-', k = 0, w = 0, aw = 0, a = {}, m = mask, fp = fp2, fpp = p2}
count(v, NOW, channel .. ' resent')
note_send(v, m, 'queued', nil, 'fallback')
save(v, m, other)
set(v, 'l' .. m, letter)
due_at(v, m, NOW + patience)
commit(v)
return {'next', m, channel}
