-- ending.lua: how sends and verifications end, and what is given back.

local REFUNDS = 3 -- a day

local function clear_cooldown(v, n)
  for _, ns in ipairs({v.ns, 'all'}) do
    local key = state_key(ns, 'cooldown', v.p, v.lfp)
    local _, by = read_cooldown(call('GET', key))
    if by == v.id .. '/' .. n then call('DEL', key) end
  end
end

-- What was never handed over costs nothing: cooldown and quota come back, at
-- most three times a day, and only in the window that was charged.
-- Another address's limits lie in another slot: it gets nothing back.
local function refund(v, n, s)
  if s.rf or s.fp then return end
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

-- What a provider took and gave up for a passing reason was paid for, and of no
-- use: the cooldown comes back, the quota does not.
local function pardon(v, n, s)
  if s.rf or s.fp then return end
  s.rf = 1
  save(v, n, s)
  clear_cooldown(v, n)
end

-- End a send on which work was left. One that a provider may have taken ends as
-- unknown, one that was refused by all as failed; neither is what it was meant to be.
-- One that was taken and given up, and that nobody else took, ends as it was before.
local function abandon(v, n, s, state)
  orphan(v, n, s)
  if s.back and given_up(s) then
    local why, theirs = s.why, s.turn
    close(v, n, s, 'accepted')
    note_send(v, n, 'undelivered', nil, why)
    if not theirs then pardon(v, n, s) end
    return
  end
  local last, reason = s.a[#s.a], nil
  if unknowns(s) > 0 then
    state = 'unknown'
  elseif state == 'expired' and (last or s.why) then
    state, reason = 'failed', last and last.why or s.why
  end
  close(v, n, s, state)
  note_send(v, n, state, last and last.p, reason)
  if state ~= 'unknown' then refund(v, n, s) end
end

-- End every send that is not being handed over at this moment.
local function drop_unsent(v, state)
  for n = 1, v.n do
    local text = call('HGET', v.key, 's' .. n)
    if text and string.find(text, '^queued ') then
      local s = read_send(text)
      local last = s.a[#s.a]
      local under_way = last and last.st == 'sending' and (s.lease or 0) > NOW
      if not under_way then abandon(v, n, s, state) end
    end
  end
end

-- Nothing is sent from a letter again.
local function drop_letters(v)
  local all = {'b'}
  for n = 1, v.n do all[n + 1] = 'l' .. n end
  call('HDEL', v.key, unpack(all))
end

-- End a verification: no code to take, nothing more to send.
-- held is the owner's code, where the caller has read it already.
local function finish(v, status, send_state, held)
  v.st = status
  local key = state_key(v.ns, 'otp', v.p, v.who)
  held = held or call('GET', key)
  if held and string.match(held, '^%S+') == v.id then call('DEL', key) end
  call('ZREM', due_key(v.p), v.id .. '/0')
  note(v, status)
  drop_unsent(v, send_state)
  drop_letters(v)
end

local function suppress(v, channel, ms)
  call('SET', state_key('all', 'suppress', v.p, v.fp .. ':' .. channel), whole(NOW + ms), 'PX', whole(ms + GRACE))
  note(v, 'suppressed', channel)
end

-- What a script answers where a send's recipient is to be suppressed: of another
-- address the one who asks does it, in its slot.
local function suppress_recipient(v, s, ms)
  if s.fp then return s.fpp, s.fp end
  suppress(v, s.ch, ms)
  return '', ''
end
