-- lib.lua stands before every transition: the clock, the records, and what
-- several transitions do. The key names come from keys.go.
--
-- ARGV[1] offset of the clock in ms, ARGV[2] events kept per partition.

local call = redis.call

local DAY = 86400000       -- ms
local GRACE = 60000        -- ms a key outlives its deadline: deadlines are compared, TTLs collect garbage
local REFUNDS = 3          -- a day
local AGAIN = 60000        -- ms a check with the same nonce is answered again
local STEPS = 100          -- lines a journal has room for
local ATTEMPT_STEPS = 80   -- of them for refused attempts, so that the end of the story always fits

-- Redis' own time in ms, so that no two processes disagree about it.
local function clock()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[1])
end
local NOW = clock()

local function words(s)
  if not string.find(s, ' ', 1, true) then return {s ~= '' and s or nil} end
  local list = {}
  for w in string.gmatch(s, '%S+') do list[#list + 1] = w end
  return list
end

-- Redis writes a number it is given with 17 digits, slowly; a whole one is
-- better handed over as text.
local function whole(n) return string.format('%d', n) end

local NOW_TEXT = whole(NOW)

local function ttl(deadline) return whole(math.max(1, deadline - NOW) + GRACE) end

-- Verifications. set collects changes, commit writes them with the journal.

local function owner(fp, b) return b == '' and fp or fp .. ':' .. b end

local function find(p, id)
  local key = verification_key(p, id)
  local f = call('HMGET', key, 'ns', 'st', 'exp', 'n', 'fp', 'lfp', 'b', 'an', 'ch', 'm', 'c', 'max', 't0', 'smax', 'last', 'j', 'jn')
  if not f[1] then return nil end
  return {
    p = p, id = id, key = key, who = owner(f[5], f[7]),
    ns = f[1], st = f[2], exp = tonumber(f[3]), n = tonumber(f[4]), fp = f[5], lfp = f[6], b = f[7], an = f[8],
    ch = f[9], m = f[10], c = tonumber(f[11]), max = tonumber(f[12]), t0 = tonumber(f[13]), smax = tonumber(f[14]),
    last = f[15], j = f[16], jn = f[17], changes = {}, lines = {},
  }
end

-- The newest verification of an owner, whatever became of it. Any binding will
-- do if b is nil.
local function newest(p, ns, fp, b)
  for _, entry in ipairs(call('LRANGE', recent_key(p, fp), 0, -1)) do
    local id, space, bound = string.match(entry, '(%S+) (%S+) (%S+)')
    if space == ns and (not b or bound == (b == '' and '-' or b)) then return find(p, id) end
  end
end

local function set(v, field, value)
  v[field] = value
  v.changes[#v.changes + 1] = field
  v.changes[#v.changes + 1] = value
end

local function commit(v)
  if #v.lines > 0 then
    local count, text = tonumber(v.jn or 0), {v.j or nil}
    for _, line in ipairs(v.lines) do
      if count < (line.refused and ATTEMPT_STEPS or STEPS) then
        count = count + 1
        text[#text + 1] = line.text
      end
    end
    set(v, 'j', table.concat(text, '\n'))
    set(v, 'jn', count)
    v.lines = {}
  end
  if #v.changes > 0 then call('HSET', v.key, unpack(v.changes)) end
  v.changes = {}
end

local function event(v, kind, n, attempt, provider, reason)
  local fields = {'type', kind, 'id', v.id, 'ns', v.ns, 'fp', v.fp, 'to', v.m, 'send', n}
  if attempt > 0 then
    fields[13], fields[14], fields[15], fields[16] = 'attempt', attempt, 'provider', provider
  end
  if reason ~= '' then
    fields[#fields + 1] = 'reason'
    fields[#fields + 1] = reason
  end
  call('XADD', events_key(v.p), 'MAXLEN', '~', ARGV[2], '*', unpack(fields))
end

-- A journal's line is words.
local function oneword(s) return (string.gsub(s, '%s', '_')) end

-- Every change of a verification is a line in its journal and an event in its
-- partition's stream. n = 0 is the verification itself, attempt = 0 the send itself.
local function note(v, n, attempt, state, provider, ref, reason, kind)
  ref, reason = oneword(ref or ''), oneword(reason or '')
  v.lines[#v.lines + 1] = {
    text = table.concat({NOW_TEXT, n, attempt, state, provider or '-', ref ~= '' and ref or '-', reason ~= '' and reason or '-'}, ' '),
    refused = attempt > 0 and (state == 'sending' or state == 'failed'),
  }
  local subject = n == 0 and 'verification.' or attempt == 0 and 'send.' or 'attempt.'
  event(v, kind or subject .. state, n, attempt, provider or '', reason)
end

-- Sends: st state, ch channel, at when, nonce, k claims, by holder, lease its
-- end, a attempts {p provider, st state, ref, why}, w and aw the quota windows
-- it was charged to, rf refunded.

local function send(v, n)
  local s = call('HGET', v.key, 's' .. n)
  if not s then return nil end
  s = cjson.decode(s)
  s.a = s.a or {}
  return s
end

local function save(v, n, s)
  local a = s.a
  if a and #a == 0 then s.a = nil end -- an empty list would be written as an object
  set(v, 's' .. n, cjson.encode(s))
  s.a = a
end

-- How many attempts nobody knows the end of. One may be tried again; two are enough.
local function unknowns(s)
  local count = 0
  for _, a in ipairs(s.a) do
    if a.st == 'unknown' then count = count + 1 end
  end
  return count
end

-- The worker of a hand-over died before it could tell whether the vendor took it.
local function orphan(v, n, s)
  local last = s.a[#s.a]
  if last and last.st == 'sending' then
    last.st = 'unknown'
    note(v, n, #s.a, 'unknown', last.p)
  end
end

local function due_at(v, n, at) call('ZADD', due_key(v.p), whole(at), v.id .. '/' .. n) end

-- End a send: nobody works on it again.
local function close(v, n, s, state)
  s.st, s.by, s.lease = state, nil, nil
  save(v, n, s)
  call('ZREM', due_key(v.p), v.id .. '/' .. n)
  call('HDEL', v.key, 'l' .. n, 'r' .. n)
end

-- Refunds. A quota record is "start used refunds" of a window of 24 h from its
-- first send; a cooldown is "deadline id/n" of the send that set it.

local function read_quota(q)
  if not q then return 0, 0, 0 end
  local start, used, given = string.match(q, '(%d+) (%d+) (%d+)')
  start = tonumber(start)
  if start + DAY <= NOW then return 0, 0, 0 end
  return start, tonumber(used), tonumber(given)
end

local function quota(key) return read_quota(call('GET', key)) end

local function charge(key, start, used, given)
  call('SET', key, whole(start) .. ' ' .. used .. ' ' .. given, 'PX', ttl(start + DAY))
end

local function read_cooldown(c)
  if not c then return 0, '' end
  local deadline, by = string.match(c, '(%d+) (%S+)')
  return tonumber(deadline), by
end

local function clear_cooldown(v, n)
  for _, ns in ipairs({v.ns, 'all'}) do
    local key = state_key(ns, 'cooldown', v.p, v.lfp)
    local _, by = read_cooldown(call('GET', key))
    if by == v.id .. '/' .. n then call('DEL', key) end
  end
end

-- What was never handed over costs nothing: cooldown and quota come back, at
-- most three times a day, and only in the window that was charged.
local function refund(v, n, s)
  if s.rf then return end
  local own, all = state_key(v.ns, 'daily', v.p, v.lfp), state_key('all', 'daily', v.p, v.lfp)
  local start, used, given = quota(own)
  if given >= REFUNDS then return end
  s.rf = 1
  save(v, n, s)
  if start == s.w then charge(own, start, math.max(0, used - 1), given + 1) end
  start, used, given = quota(all)
  if start == s.aw then charge(all, start, math.max(0, used - 1), given) end
  clear_cooldown(v, n)
end

-- End a send that was not accepted. One that a provider may have taken ends as
-- unknown, one that was refused by all as failed; neither is what it was meant to be.
local function abandon(v, n, s, state)
  orphan(v, n, s)
  local last, reason = s.a[#s.a], nil
  if unknowns(s) > 0 then
    state = 'unknown'
  elseif last and state == 'expired' then
    state, reason = 'failed', last.why
  end
  close(v, n, s, state)
  note(v, n, 0, state, last and last.p, nil, reason)
  if state ~= 'unknown' then refund(v, n, s) end
end

-- End every send that is not being handed over at this moment.
local function drop_unsent(v, state)
  for n = 1, v.n do
    local s = send(v, n)
    if s and s.st == 'queued' then
      local last = s.a[#s.a]
      local under_way = last and last.st == 'sending' and (s.lease or 0) > NOW
      if not under_way then abandon(v, n, s, state) end
    end
  end
end

-- End a verification: no code to take, nothing more to send.
-- held is the owner's code, where the caller has read it already.
local function finish(v, status, send_state, held)
  set(v, 'st', status)
  local key = state_key(v.ns, 'otp', v.p, v.who)
  held = held or call('GET', key)
  if held and string.match(held, '^%S+') == v.id then call('DEL', key) end
  call('ZREM', due_key(v.p), v.id .. '/0')
  note(v, 0, 0, status)
  drop_unsent(v, send_state)
end

local function suppress(v, channel, ms)
  call('SET', state_key('all', 'suppress', v.p, v.fp .. ':' .. channel), whole(NOW + ms), 'PX', whole(ms + GRACE))
  note(v, 0, 0, 'suppressed', nil, nil, channel)
end

-- Fingerprints. What lies under an old key's fingerprint is renamed to the
-- primary's at first touch; the verification it points to learns its new name.
local function adopt(p, ns, identity, limit, b)
  for i = 2, #identity do
    local old, new = owner(identity[i], b), owner(identity[1], b)
    for _, kind in ipairs({'otp', 'lock', 'fails'}) do
      local from = state_key(ns, kind, p, old)
      if call('EXISTS', from) == 1 and call('RENAMENX', from, state_key(ns, kind, p, new)) == 1 and kind == 'otp' then
        local id = string.match(call('GET', state_key(ns, kind, p, new)), '^%S+')
        if call('EXISTS', verification_key(p, id)) == 1 then
          call('HSET', verification_key(p, id), 'fp', identity[1], 'lfp', limit[1])
        end
      end
    end
    for _, channel in ipairs({'sms', 'email'}) do
      local from = state_key('all', 'suppress', p, identity[i] .. ':' .. channel)
      if call('EXISTS', from) == 1 then call('RENAMENX', from, state_key('all', 'suppress', p, identity[1] .. ':' .. channel)) end
    end
    if call('EXISTS', recent_key(p, identity[i])) == 1 then call('RENAMENX', recent_key(p, identity[i]), recent_key(p, identity[1])) end
  end
  for i = 2, #limit do
    for _, space in ipairs({ns, 'all'}) do
      for _, kind in ipairs({'cooldown', 'daily'}) do
        local from = state_key(space, kind, p, limit[i])
        if call('EXISTS', from) == 1 then call('RENAMENX', from, state_key(space, kind, p, limit[1])) end
      end
    end
  end
end
