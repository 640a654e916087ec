-- sends.lua: the sends of a verification. One is kept as its state, for readers
-- who need no more, and as JSON: ch channel, at when, nonce, k claims, by holder,
-- lease its end, a attempts {p provider, st state, ref, why}, why it waits, w and aw
-- the quota windows it was charged to, rf refunded, ask when its provider is to be
-- asked what became of it, asked that it was, back
-- that it was accepted once and given up, turn that
-- nobody else will deliver it to this address, to that an operator has ordered it to another, over when it goes to another without
-- a receipt; of a send to another address its mask m, fp its owner's fingerprint and
-- fpp its partition. was is how it stood when it was read or saved last, as it is
-- counted.

-- include tally

local function read_send(text)
  local st, fields = string.match(text, '^(%S+) (.*)$')
  local s = cjson.decode(fields)
  s.st, s.a = st, s.a or {}
  s.was = told(s)
  return s
end

local function send(v, n)
  local text = call('HGET', v.key, 's' .. n)
  return text and read_send(text) or nil
end

local function save(v, n, s)
  local st, a, stands = s.st, s.a, tally(v, s)
  s.st, s.was = nil, nil
  if #a == 0 then s.a = nil end -- an empty list would be written as an object
  set(v, 's' .. n, st .. ' ' .. cjson.encode(s))
  s.st, s.a, s.was = st, a, stands
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
    count(v, s.at, s.ch .. ' refused ' .. last.p)
    note_attempt(v, n, #s.a, 'unknown', last.p)
  end
end

local function due_at(v, n, at) call('ZADD', due_key(v.p), whole(at), v.id .. '/' .. n) end

-- Its provider has not said yet what became of it: it is asked at a time, if it
-- does not say so before.
local function ask_at(v, n, s, at)
  s.ask = at
  save(v, n, s)
  due_at(v, n, s.over and math.min(s.over, at) or at)
end

-- Whether the code may still go to another address.
local function turns(v, n)
  return v.st == 'pending' and n == v.n and call('HEXISTS', v.key, 'b') == 1
end

-- A receipt is to come. Without one the code goes to another address, where it
-- may, and then the provider is asked.
local function await(v, n, s, ask)
  if turns(v, n) then s.over = NOW + string.match(call('HGET', v.key, 'b'), '^%d+') end
  ask_at(v, n, s, math.max(NOW + ask, s.over or 0))
end

-- Whether every provider that took the message has given it up since.
local function given_up(s)
  for _, a in ipairs(s.a) do
    if a.st ~= 'failed' and a.st ~= 'undelivered' then return false end
  end
  return true
end

local function open_ended(s)
  for _, a in ipairs(s.a) do
    if a.st == 'accepted' or a.st == 'sent' then return true end
  end
  return false
end

-- End a send: nobody works on it again. Its letter is kept while its code is of
-- use: should the provider give it up, another gets it, and an operator may send it again.
local function close(v, n, s, state)
  s.st, s.by, s.lease, s.why, s.ask, s.over, s.turn = state
  save(v, n, s)
  call('ZREM', due_key(v.p), v.id .. '/' .. n)
  call('HDEL', v.key, 'r' .. n)
  if state == 'superseded' or v.st ~= 'pending' then call('HDEL', v.key, 'l' .. n) end
end
