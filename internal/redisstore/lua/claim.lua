-- claim: a worker takes a send for the time of a lease.
--
-- KEYS[1] the verification
-- ARGV[3..] partition, id, n, holder, lease ms, least life left for a hand-over
-- Returns {"claimed", namespace, anchor, sealed code, sealed letter, ms left, asked for at, attempts as JSON,
--   claims before, "1" if it is to go to another address at once, the first of those as "channel mask letter" or ""},
--   {"ask", attempts as JSON} if its provider is to be asked what became of it,
--   {"held", ms} while another worker has it, or {"done"}.

-- include clock
-- include record
-- include sends
-- include limits
-- include ending

local p, id, n, holder, lease, least = unpack(ARGV, 3, 8)
n, lease, least = tonumber(n), tonumber(lease), tonumber(least)

local v = find(p, id)
local s = v and send(v, n)
local over = s and s.st == 'accepted' and s.over and NOW >= s.over and v.exp - NOW >= least and turns(v, n)
if s and s.st == 'accepted' and s.ask and not over then
  if NOW < s.ask then return {'done'} end -- a task that asynq has run again
  if not s.asked then
    s.asked = 1
    ask_at(v, n, s, NOW + lease)
    commit(v)
    return {'ask', cjson.encode(s.a)}
  end
  -- The one who asked has died, or heard nothing: nobody knows.
  for i, a in ipairs(s.a) do
    if a.st == 'accepted' or a.st == 'sent' then
      a.st = 'unknown'
      note_attempt(v, n, i, 'unknown', a.p, a.ref, 'no_receipt')
    end
  end
  close(v, n, s, 'unknown')
  commit(v)
  return {'done'}
end
if not s or s.st ~= 'queued' and not over then
  call('ZREM', due_key(p), id .. '/' .. n)
  return {'done'}
end
if s.lease and s.lease > NOW and s.by ~= holder then return {'held', s.lease - NOW} end

local function done(state)
  abandon(v, n, s, state)
  commit(v)
  return {'done'}
end

if v.st == 'pending' and n < v.n then return done('superseded') end
if v.st ~= 'pending' then return done(v.st == 'expired' and 'expired' or v.st == 'canceled' and 'canceled' or 'superseded') end
if not (s.lease and s.lease > NOW) then
  orphan(v, n, s)
  local turn = turns(v, n)
  if unknowns(s) > 1 and not turn then return done('unknown') end
  if v.exp - NOW < least then return done('expired') end
  local silent = not s.fp and call('GET', state_key('all', 'suppress', p, v.fp .. ':' .. s.ch))
  silent = silent and tonumber(silent) > NOW -- since it was asked for, the recipient opted out
  if turn and (silent or unknowns(s) > 1) then
    s.turn = 1
  elseif silent then
    close(v, n, s, 'suppressed')
    note_send(v, n, 'suppressed')
    commit(v)
    return {'done'}
  end
  s.k = s.k + 1
  event(v, 'send.claimed', whole(n), '0')
end
local held = call('GET', state_key(v.ns, 'otp', p, v.who))
local of, _, _, code = string.match(held or '', '(%S+) (%S+) (%S+) (%S+)')
local letter = call('HGET', v.key, 'l' .. n)
if over and (of ~= id or not letter) then return {'done'} end
if of ~= id or not letter then return done('failed') end

s.by, s.lease = holder, NOW + lease
save(v, n, s)
due_at(v, n, s.lease)
commit(v)
return {'claimed', v.ns, v.an, code, letter, v.exp - NOW, s.at, #s.a > 0 and cjson.encode(s.a) or '[]', s.k - 1,
  (over or s.turn or s.to) and turns(v, n) and '1' or '', turns(v, n) and string.match(call('HGET', v.key, 'b'), '\n([^\n]+)') or ''}
