-- start: admit a request, reuse the live verification or open a new one, stage a send.
--
-- KEYS[1] the new verification
-- ARGV[3..] partition, namespace, new id, identity and limit fingerprints, binding, anchor, channel,
--   mask, nonce, digest key, digest, sealed code, sealed letter,
--   life, max_life, min_left, rotate, max_checks, max_sends, cooldown, all_cooldown, daily, all_daily,
--   retention of the journal, ms until the watch looks after the send, "last" recent entries,
--   the address sealed, who of the staff asks or "", why,
--   ms after which the code goes to another address without a receipt,
--   how many events may wait for the audit trail or 0 for as many as there are,
--   the guard of ranges as in toll.lua or "", how many buckets, and of each its name, key, most, interval in ms and cost,
--   and of each other address its channel, mask and letter
-- Returns {"ok", id, n, resent, channel, expires, resend, sends left, state, daily left, daily reset, now, suspected range,
--   the live code's digest and the code sealed, if that digest is kept elsewhere}
--   or {"limit", which, retry ms, live id, its expiry, the bucket's name}.

-- include clock
-- include record
-- include sends
-- include limits

local AGAIN = 60000 -- ms a check with the same nonce is answered again; see check

local p, ns, id, identity, limit, b, anchor, channel, mask, nonce = unpack(ARGV, 3, 12)
local digest_key, digest, code, letter = unpack(ARGV, 13, 16)
local life, max_life, min_left, rotate = tonumber(ARGV[17]), tonumber(ARGV[18]), tonumber(ARGV[19]), ARGV[20] == '1'
local max_checks, max_sends = tonumber(ARGV[21]), tonumber(ARGV[22])
local pause, all_pause, daily, all_daily = tonumber(ARGV[23]), tonumber(ARGV[24]), tonumber(ARGV[25]), tonumber(ARGV[26])
local retention, patience, recent = tonumber(ARGV[27]), tonumber(ARGV[28]), tonumber(ARGV[29])

if string.find(identity, ' ', 1, true) then
  -- include adopt
  adopt(p, ns, identity, limit, b)
  identity, limit = string.match(identity, '^%S+'), string.match(limit, '^%S+')
end
local who = owner(identity, b)
local otp = state_key(ns, 'otp', p, who)
local own_pauses, all_pauses = state_key(ns, 'cooldown', p, limit), state_key('all', 'cooldown', p, limit)
local own_quota, all_quota = state_key(ns, 'daily', p, limit), state_key('all', 'daily', p, limit)

local read = call('MGET', otp, own_pauses, all_pauses, own_quota, all_quota,
  state_key(ns, 'lock', p, who), state_key('all', 'suppress', p, identity .. ':' .. channel))
local held, lock, suppressed = read[1], read[6], read[7]
local v = held and find(p, string.match(held, '^%S+'))
if v and (v.st ~= 'pending' or v.exp <= NOW) then v = nil end

local own_until, all_until = (read_cooldown(read[2])), (read_cooldown(read[3]))
local own_start, own_used, own_given = read_quota(read[4])
local all_start, all_used, all_given = read_quota(read[5])

local watched, suspect
local function answer(of, n, s)
  return {'ok', of.id, n, n > 1 and 1 or 0, s.ch, of.exp, s.rf and NOW or s.at + pause, math.max(0, of.smax - of.n), s.st,
    math.max(0, daily - own_used), own_start == 0 and DAY or own_start + DAY - NOW, NOW, suspect or '', string.sub(digest_key, 1, 1) == '@' and call('GET', otp) or ''}
end

-- The same command again: the same answer again.
local latest = v or own_start > 0 and newest(p, ns, identity, b)
if latest then
  for n = 1, latest.n do
    local s = send(latest, n)
    if s and s.nonce == nonce then return answer(latest, n, s) end
  end
end

local function refuse(which, ms, bucket) return {'limit', which, ms, v and v.id or '', v and v.exp or 0, bucket or ''} end

if lock then
  local locked_until = tonumber(string.match(lock, '%d+'))
  if locked_until > NOW then return refuse('lock', locked_until - NOW) end
end
local address, actor, reason = unpack(ARGV, 30, 32)
local BUCKETS = 36
local others = BUCKETS + 1 + 5 * ARGV[BUCKETS]
local elsewhere = #ARGV >= others
suppressed = suppressed and tonumber(suppressed) > NOW and not elsewhere
if own_until > NOW or all_until > NOW then return refuse('cooldown', math.max(own_until, all_until) - NOW) end
if own_used >= daily then return refuse('daily', own_start + DAY - NOW) end
if all_used >= all_daily then return refuse('daily', all_start + DAY - NOW) end
if v and v.n >= v.smax then return refuse('sends', v.exp - NOW) end
if ARGV[34] ~= '0' then
  -- include backlog
  local waiting = backlog(p)
  if waiting and waiting >= tonumber(ARGV[34]) then return refuse('audit', 0) end
end
if ARGV[35] ~= '' then
  -- include toll
  watched = tolls(ARGV[35])
  local range, wait
  range, wait, suspect = guard(watched)
  if range then return refuse('rate', wait, 'toll-guard') end
  watched.count = function()
    if not watched.counts then return end
    local names = {}
    for i, r in ipairs(watched) do
      count_toll(r.name, r.toll, watched.window, 1, 0)
      names[i] = r.name .. ' ' .. whole(watched.window)
    end
    set(v, 'g', table.concat(names, ' '))
  end
end
local filled
if ARGV[BUCKETS] ~= '0' then
  -- include bucket
  local all = buckets(BUCKETS)
  local full, wait = fullest(all)
  if full then return refuse('rate', wait, full.name) end
  filled = function() for _, b in ipairs(all) do fill(b) end end
end

local new_code = not v
if v then
  -- include ending

  -- The same code goes out again, unless it is too old to be of use or the policy
  -- says otherwise; a verification too old even for a new code gives way to another.
  if not suppressed and (rotate or v.exp - NOW < min_left) then
    local expires = math.min(NOW + life, v.t0 + max_life)
    if expires - NOW < min_left then
      finish(v, 'expired', 'superseded')
      commit(v)
      v = nil
    else
      v.exp = expires
    end
    new_code = true
  end
  if v then drop_unsent(v, 'superseded') end
  -- What was given back is there to be charged again.
  own_start, own_used, own_given = quota(own_quota)
  all_start, all_used, all_given = quota(all_quota)
end
local created = not v
if created then
  v = {p = p, id = id, key = KEYS[1], who = who, changes = {},
    ns = ns, fp = identity, lfp = limit, b = b, an = anchor, m = mask, max = max_checks, smax = max_sends, t0 = NOW,
    st = 'pending', exp = NOW + life, n = 0, c = 0, jn = 0, lu = '0'}
  set(v, 'i', opened_with(v))
  set(v, 'a', address)
  -- A check of the one before may still be asked for again.
  local last = latest and latest.last
  if last and NOW - words(last)[2] < AGAIN then set(v, 'last', last) end
  local entries = recent_key(p, identity)
  if call('LPUSH', entries, id .. ' ' .. ns .. ' ' .. (b == '' and '-' or b)) > recent then call('LTRIM', entries, 0, recent - 1) end
  call('PEXPIRE', entries, whole(retention + GRACE))
end
if new_code then
  call('SET', otp, v.id .. ' ' .. digest_key .. ' ' .. digest .. ' ' .. code, 'PX', ttl(v.exp))
end

if own_start == 0 then own_start = NOW end
if all_start == 0 then all_start = NOW end
own_used, all_used = own_used + 1, all_used + 1
charge(own_quota, own_start, own_used, own_given)
charge(all_quota, all_start, all_used, all_given)
if filled then filled() end

local n = v.n + 1
local by = v.id .. '/' .. n
if pause > 0 then call('SET', own_pauses, whole(NOW + pause) .. ' ' .. by, 'PX', whole(pause + GRACE)) end
if all_pause > 0 then call('SET', all_pauses, whole(NOW + all_pause) .. ' ' .. by, 'PX', whole(all_pause + GRACE)) end

local s = {st = 'queued', ch = channel, at = NOW, nonce = nonce, k = 0, w = own_start, aw = all_start, a = {}}
v.n, v.ch = n, channel
if actor ~= '' then act(v, 'sent_again', actor, reason) end
count(v, NOW, channel .. (created and ' opened' or ' resent'))
note_send(v, n, 'queued', nil, channel, created and 'verification.created')
set(v, 'l' .. n, letter)
if suppressed then
  close(v, n, s, 'suppressed')
  note_send(v, n, 'suppressed')
  due_at(v, 0, v.exp)
else
  save(v, n, s)
  if watched then watched.count() end
  if elsewhere then
    local all = {ARGV[33]}
    for i = others, #ARGV, 3 do all[#all + 1] = ARGV[i] .. ' ' .. ARGV[i + 1] .. ' ' .. ARGV[i + 2] end
    set(v, 'b', table.concat(all, '\n'))
  elseif n > 1 then
    call('HDEL', v.key, 'b') -- a resend says anew where else the code may go
  end
  call('ZADD', due_key(p), whole(NOW + patience), by, whole(v.exp), v.id .. '/0')
end
commit(v)
call('PEXPIRE', v.key, whole(retention + GRACE))
return answer(v, n, s)
