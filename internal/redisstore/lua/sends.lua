-- sends.lua: the sends of a verification. One is kept as its state, for readers
-- who need no more, and as JSON: ch channel, at when, nonce, k claims, by holder,
-- lease its end, a attempts {p provider, st state, ref, why}, w and aw the quota
-- windows it was charged to, rf refunded.

local function read_send(text)
  local st, fields = string.match(text, '^(%S+) (.*)$')
  local s = cjson.decode(fields)
  s.st, s.a = st, s.a or {}
  return s
end

local function send(v, n)
  local text = call('HGET', v.key, 's' .. n)
  return text and read_send(text) or nil
end

local function save(v, n, s)
  local st, a = s.st, s.a
  s.st = nil
  if #a == 0 then s.a = nil end -- an empty list would be written as an object
  set(v, 's' .. n, st .. ' ' .. cjson.encode(s))
  s.st, s.a = st, a
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
    note_attempt(v, n, #s.a, 'unknown', last.p)
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
