-- check: one guess. Counted, then compared; right once.
--
-- KEYS[1] the verification if it is known, else the recipient's code
-- ARGV[3..] partition, namespace, id or "", identity and limit fingerprints, binding, nonce,
--   session key, hashes of the session under every live key, session life, lock_after, fail window, strike life,
--   locks, then pairs of digest key and digest
-- Returns {"answer", id, status, reason, checks left, locked until, session key, session expiry, channel}
--   with reason "" for a right guess, or {"locked", ms, live id, its expiry}.

local p, ns, id, identity, limit, b, nonce, session_key, sessions, session_life = unpack(ARGV, 3, 12)
local lock_after, fail_window = tonumber(ARGV[13]), tonumber(ARGV[14])
session_life = tonumber(session_life)
identity, limit, sessions = words(identity), words(limit), words(sessions)

local v, who
if id ~= '' then
  v = find(p, id)
  if v and v.ns ~= ns then v = nil end
  if not v then return {'answer', id, '', 'not_found', 0, 0, '', 0, ''} end
  who = v.who
else
  adopt(p, ns, identity, limit, b)
  who = owner(identity[1], b)
end
local read = call('MGET', state_key(ns, 'otp', p, who), state_key(ns, 'lock', p, who), state_key(ns, 'fails', p, who))
local held, lock, fails = read[1], read[2], read[3]
if not v then
  v = held and find(p, string.match(held, '^%S+')) or newest(p, ns, identity[1], b)
end

local function answer(status, reason, left, locked_until, key, expires)
  return {'answer', v.id, status, reason, left, locked_until or 0, key or '', expires or 0, v.ch}
end

-- The same command again: the same answer again. Nothing is compared for it,
-- so another code under the same nonce gets no session: its hash is another.
if v and v.last and v.b == b then
  local by, at, status, reason, left, locked, key, hash, expires, of, channel = unpack(words(v.last))
  if by == nonce and NOW - at < AGAIN then
    local same = hash == '-'
    for _, h in ipairs(sessions) do same = same or h == hash end
    v = {id = of, ch = channel} -- it may be the one before this
    if not same then return answer(status, 'already_used', 0) end
    return answer(status, reason == '-' and '' or reason, tonumber(left), tonumber(locked), key == '-' and '' or key, tonumber(expires))
  end
end

local locked_until, strikes = string.match(lock or '0 0', '(%d+) (%d+)')
locked_until, strikes = tonumber(locked_until), tonumber(strikes)
if locked_until > NOW then
  local live = v and v.st == 'pending' and v.exp > NOW
  return {'locked', locked_until - NOW, live and v.id or '', live and v.exp or 0}
end

if not v then
  v = newest(p, ns, identity[1])
  if v and v.st == 'pending' and v.exp > NOW then
    return answer('pending', 'binding_mismatch', math.max(0, v.max - v.c))
  end
  return {'answer', '', '', 'not_found', 0, 0, '', 0, ''} -- how another binding's ended is not told
end
local left = math.max(0, v.max - v.c)
local gone = {approved = 'already_used', expired = 'expired', canceled = 'canceled', locked = 'expired'}
if v.st ~= 'pending' then return answer(v.st, gone[v.st], 0) end
if v.exp <= NOW then return answer('expired', 'expired', 0) end
if v.b ~= b then return answer('pending', 'binding_mismatch', left) end
if left == 0 then return answer('pending', 'expired', 0) end

-- Counted before it is compared.
set(v, 'c', v.c + 1)
left = left - 1
local of, key, digest = string.match(held or '', '(%S+) (%S+) (%S+)')
local right = false
for i = 17, #ARGV, 2 do
  if of == v.id and ARGV[i] == key and ARGV[i + 1] == digest then right = true end
end

local function remember(status, reason, locked, expires)
  set(v, 'last', table.concat({nonce, NOW_TEXT, status, reason ~= '' and reason or '-', left,
    whole(locked or 0), expires and session_key or '-', expires and sessions[1] or '-', whole(expires or 0), v.id, v.ch}, ' '))
  commit(v)
  return answer(status, reason, left, locked, expires and session_key, expires)
end

if right then
  finish(v, 'approved', 'superseded', held)
  if fails or lock then call('DEL', state_key(ns, 'fails', p, who), state_key(ns, 'lock', p, who)) end
  local expires = NOW + session_life
  call('SET', state_key(ns, 'session', p, sessions[1]), v.id .. ' ' .. v.an .. ' ' .. v.ch .. ' ' .. whole(expires), 'PX', whole(session_life + GRACE))
  return remember('approved', '', 0, expires)
end

-- Every guess that fills the window locks, whatever verifications it was spread over.
local recent = {NOW_TEXT}
for _, at in ipairs(words(fails or '')) do
  if NOW - tonumber(at) < fail_window then recent[#recent + 1] = at end
end
note(v, 0, 0, 'check_failed')
if left > 0 and #recent < lock_after then
  call('SET', state_key(ns, 'fails', p, who), table.concat(recent, ' '), 'PX', whole(fail_window + GRACE))
  return remember('pending', 'code_mismatch')
end
if #recent >= lock_after then
  call('DEL', state_key(ns, 'fails', p, who))
else
  call('SET', state_key(ns, 'fails', p, who), table.concat(recent, ' '), 'PX', whole(fail_window + GRACE))
end
local locks = words(ARGV[16])
strikes = math.min(strikes + 1, #locks)
locked_until = NOW + tonumber(locks[strikes])
call('SET', state_key(ns, 'lock', p, who), whole(locked_until) .. ' ' .. strikes, 'PX', whole(ttl(locked_until) + ARGV[15]))
left = 0
finish(v, 'locked', 'superseded', held)
set(v, 'lu', locked_until)
return remember('locked', 'code_mismatch', locked_until)
