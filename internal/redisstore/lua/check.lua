-- check: one guess. Counted, then compared; right once. Where the digest is kept
-- elsewhere, "count" does the one, and "decide" is told how the other went: nothing
-- can be compared that was not counted, and a process that dies in between costs
-- the code. "undo" takes the count back, where nothing was compared after all.
--
-- KEYS[1] the verification if it is known, else the recipient's code
-- ARGV[3..] partition, namespace, id or "", identity and limit fingerprints, binding, nonce,
--   session key, hashes of the session under every live key, session life, lock_after, fail window, strike life,
--   locks, "" or "count", "decide" or "undo", when the guess was counted, then pairs of digest key and digest
-- Returns {"counted", id, digest key, digest, now} of count, else {"answer", id, status, reason, checks left, locked until, session key, session expiry, channel}
--   with reason "" for a right guess, and then the ms since the code was first asked for, or {"locked", ms, live id, its expiry}.

-- include clock
-- include record

local AGAIN = 60000 -- ms a check with the same nonce is answered again
local PATIENCE = 10000 -- ms a guess may be compared elsewhere

local p, ns, id, identity, limit, b, nonce, session_key, sessions, session_life = unpack(ARGV, 3, 12)
local lock_after, fail_window = tonumber(ARGV[13]), tonumber(ARGV[14])
local mode, counted_at = ARGV[17], ARGV[18]
local counted = mode == 'decide' or mode == 'undo'

local v, who
if id ~= '' then
  v = find(p, id)
  if v and v.ns ~= ns then v = nil end
  if not v then return {'answer', id, '', 'not_found', 0, 0, '', 0, ''} end
  who = v.who
else
  if string.find(identity, ' ', 1, true) then
    -- include adopt
    adopt(p, ns, identity, limit, b)
    identity = string.match(identity, '^%S+')
  end
  who = owner(identity, b)
end
local fails_key, lock_key = state_key(ns, 'fails', p, who), state_key(ns, 'lock', p, who)
local read = call('MGET', state_key(ns, 'otp', p, who), lock_key, fails_key)
local held, lock, fails = read[1], read[2], read[3]
local of, digest_key, digest = string.match(held or '', '^(%S+) (%S+) (%S+)')
if not v then
  v = held and find(p, of) or newest(p, ns, identity, b)
end

local function answer(status, reason, left, locked_until, key, expires)
  return {'answer', v.id, status, reason, left, locked_until or 0, key or '', expires or 0, v.ch}
end

if mode == 'undo' then
  if v then
    v.c = math.max(0, v.c - 1)
    commit(v)
  end
  local kept = string.gsub(fails or '', '%s*%?' .. counted_at, '', 1)
  if kept ~= '' then
    call('SET', fails_key, kept, 'KEEPTTL')
  else
    call('DEL', fails_key)
  end
  return {'undone'}
end

-- The same command again: the same answer again. Nothing is compared for it,
-- so another code under the same nonce gets no session: its hash is another.
if v and v.last and v.b == b and string.find(v.last, nonce .. ' ', 1, true) == 1 then
  local _, at, status, reason, left, locked, key, hash, expires, same_id, channel = unpack(words(v.last))
  if NOW - at < AGAIN then
    local same = hash == '-'
    for _, h in ipairs(words(sessions)) do same = same or h == hash end
    v = {id = same_id, ch = channel} -- it may be the one before this
    if not same then return answer(status, 'already_used', 0) end
    return answer(status, reason == '-' and '' or reason, tonumber(left), tonumber(locked), key == '-' and '' or key, tonumber(expires))
  end
end

local strikes = 0
if lock then
  local locked_until, before = string.match(lock, '(%d+) (%d+)')
  locked_until, strikes = tonumber(locked_until), tonumber(before)
  if locked_until > NOW and not counted then
    local live = v and v.st == 'pending' and v.exp > NOW
    return {'locked', locked_until - NOW, live and v.id or '', live and v.exp or 0}
  end
end

if not v then
  v = newest(p, ns, identity)
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
if not counted then
  if left == 0 then return answer('pending', 'expired', 0) end
  -- Counted before it is compared.
  v.c = v.c + 1
  left = left - 1
end
local right = false
for i = 19, #ARGV, 2 do
  if of == v.id and ARGV[i] == digest_key and ARGV[i + 1] == digest then right = true end
end

local function remember(status, reason, locked, key, hash, expires)
  set(v, 'last', table.concat({nonce, NOW_TEXT, status, reason ~= '' and reason or '-', whole(left),
    whole(locked), key or '-', hash or '-', whole(expires or 0), v.id, v.ch}, ' '))
  commit(v)
  return answer(status, reason, left, locked, key, expires)
end

if not right then
  -- Every guess that fills the window locks, whatever verifications it was spread over.
  -- One that is being compared elsewhere has a question mark; it is taken for failed
  -- when nobody has said so for a while.
  local count, open, recent = 0, 0, ''
  if mode == '' then count, recent = 1, NOW_TEXT end
  if counted then fails = string.gsub(fails or '', '%?' .. counted_at, counted_at, 1) end
  for mark, at in string.gmatch(fails or '', '(%??)(%d+)') do
    if NOW - at < fail_window then
      if mark == '?' and NOW - at < PATIENCE then open = open + 1 else count = count + 1 end
      recent = recent .. ' ' .. mark .. at
    end
  end
  if mode == 'count' and count < lock_after then
    if count + open >= lock_after then return {'locked', 1000, v.id, v.exp} end
    call('SET', fails_key, '?' .. NOW_TEXT .. recent, 'PX', whole(fail_window + GRACE))
    commit(v)
    return {'counted', v.id, digest_key or '', digest or '', NOW}
  end
  note(v, 'check_failed')
  local full = count >= lock_after
  if full then
    call('DEL', fails_key)
  else
    call('SET', fails_key, recent, 'PX', whole(fail_window + GRACE))
  end
  if not full and (left > 0 or open > 0) then return remember('pending', 'code_mismatch', 0) end
end

-- include sends
-- include limits
-- include ending

if right then
  finish(v, 'approved', 'superseded', held)
  local ranges = call('HGET', v.key, 'g')
  if ranges then
    -- include toll
    for name, window in string.gmatch(ranges, '(%S+) (%d+)') do
      window = tonumber(window)
      count_toll(name, read_toll(name, window), window, 0, 1)
    end
  end
  if fails or lock then call('DEL', fails_key, lock_key) end
  local hash, expires = string.match(sessions, '^%S+'), NOW + session_life
  local newest_send = v.n > 1 and send(v, v.n)
  local mask = newest_send and newest_send.m or v.m -- where the code went last
  count(v, v.t0, (newest_send and send(v, 1).ch or v.ch) .. ' approved')
  call('SET', state_key(ns, 'session', p, hash), table.concat({v.id, v.an, v.ch, whole(expires), mask}, ' '), 'PX', whole(session_life + GRACE))
  local told = remember('approved', '', 0, session_key, hash, expires)
  told[#told + 1] = NOW - v.t0
  return told
end

local locks = words(ARGV[16])
strikes = math.min(strikes + 1, #locks)
local locked_until = NOW + locks[strikes]
call('SET', lock_key, whole(locked_until) .. ' ' .. strikes, 'PX', whole(ttl(locked_until) + ARGV[15]))
left = 0
finish(v, 'locked', 'superseded', held)
v.lu = whole(locked_until)
return remember('locked', 'code_mismatch', locked_until)
