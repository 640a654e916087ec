-- record.lua: a verification as it is kept. One is read with find, changed, and
-- written back with commit. Its hash has few fields, for each one costs:
--
--   i     what it was opened with, and its owner's fingerprints: words
--   v     what moves: words
--   a     the recipient's address, sealed
--   j     the journal
--   last  the answer to the last check
--   s<n>  the nth send, l<n> its letter, r<n> how often the watch has rung for it
--   g     the ranges in whose counts it is, each with its window in ms: see toll.lua
--   b     where else the code may go: the ms after which it does without a receipt,
--         then a line for each address: channel, mask, sealed letter

-- include tell

local STEPS = 100          -- lines a journal has room for
local ATTEMPT_STEPS = 80   -- of them for refused attempts, so that the end of the story always fits

local function owner(fp, b) return b == '' and fp or fp .. ':' .. b end

local function find(p, id)
  local key = verification_key(p, id)
  local f = call('HMGET', key, 'i', 'v', 'j', 'last')
  if not f[1] then return nil end
  local ns, fp, lfp, b, an, m, max, smax, t0 = string.match(f[1], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%d+) (%d+) (%d+)')
  local st, exp, ch, n, c, jn, lu = string.match(f[2], '^(%S+) (%d+) (%S+) (%d+) (%d+) (%d+) (%d+)')
  if b == '-' then b = '' end
  return {
    p = p, id = id, key = key, who = owner(fp, b), j = f[3], last = f[4], changes = {},
    ns = ns, fp = fp, lfp = lfp, b = b, an = an, m = m, max = tonumber(max), smax = tonumber(smax), t0 = tonumber(t0),
    st = st, exp = tonumber(exp), ch = ch, n = tonumber(n), c = tonumber(c), jn = tonumber(jn), lu = lu,
  }
end

-- What find reads of a verification's beginning.
local function opened_with(v)
  return table.concat({v.ns, v.fp, v.lfp, v.b == '' and '-' or v.b, v.an, v.m, whole(v.max), whole(v.smax), whole(v.t0)}, ' ')
end

-- The newest verification of an owner, whatever became of it. Any binding will
-- do if b is nil.
local function newest(p, ns, fp, b)
  for _, entry in ipairs(call('LRANGE', recent_key(p, fp), 0, -1)) do
    local id, space, bound = string.match(entry, '(%S+) (%S+) (%S+)')
    if space == ns and (not b or bound == (b == '' and '-' or b)) then return find(p, id) end
  end
end

-- set puts a field of the hash aside for commit.
local function set(v, field, value)
  local c = v.changes
  c[#c + 1] = field
  c[#c + 1] = value
end

local function commit(v)
  set(v, 'v', table.concat({v.st, whole(v.exp), v.ch, whole(v.n), whole(v.c), whole(v.jn), v.lu}, ' '))
  if v.j then set(v, 'j', v.j) end
  call('HSET', v.key, unpack(v.changes))
  v.changes = {}
end

-- A transition's event, in its partition's stream; n and attempt are texts.
local function event(v, kind, n, attempt, provider, reason)
  if attempt == '0' and not reason then
    tell(v.p, 'type', kind, 'id', v.id, 'ns', v.ns, 'an', v.an, 'to', v.m, 'send', n)
    return
  end
  local more = {}
  if attempt ~= '0' then more = {'attempt', attempt, 'provider', provider} end
  if reason then
    more[#more + 1] = 'reason'
    more[#more + 1] = reason
  end
  tell(v.p, 'type', kind, 'id', v.id, 'ns', v.ns, 'an', v.an, 'to', v.m, 'send', n, unpack(more))
end

-- A line of a journal is words; what is empty or missing is a dash.
local function word(s)
  if not s or s == '' then return '-' end
  return (string.gsub(s, '%s', '_'))
end

-- Every change of a verification is a line in its journal and an event: of the
-- verification itself where n is '0', of the send itself where attempt is '0'.
local function line(v, n, attempt, state, provider, ref, reason, room)
  if v.jn >= room then return end
  local text = table.concat({NOW_TEXT, n, attempt, state, provider or '-', ref, reason}, ' ')
  v.j = v.j and v.j .. '\n' .. text or text
  v.jn = v.jn + 1
end

local function step(v, kind, n, attempt, state, provider, ref, reason, room)
  line(v, n, attempt, state, provider, ref, reason, room)
  event(v, kind, n, attempt, provider, reason ~= '-' and reason)
end

local function note(v, state, reason)
  step(v, 'verification.' .. state, '0', '0', state, nil, '-', word(reason), STEPS)
end

local function note_send(v, n, state, provider, reason, kind)
  step(v, kind or 'send.' .. state, whole(n), '0', state, provider, '-', word(reason), STEPS)
end

local function note_attempt(v, n, attempt, state, provider, ref, reason)
  local room = (state == 'sending' or state == 'failed') and ATTEMPT_STEPS or STEPS
  step(v, 'attempt.' .. state, whole(n), whole(attempt), state, provider, word(ref), word(reason), room)
end

-- What a member of the staff did. Their words are in the event alone.
local function told_act(v, state, actor, reason)
  tell(v.p, 'type', 'verification.' .. state, 'id', v.id, 'ns', v.ns, 'an', v.an, 'to', v.m, 'actor', actor, 'reason', reason)
end

local function act(v, state, actor, reason)
  line(v, '0', '0', state, nil, '-', word(actor), STEPS)
  told_act(v, state, actor, reason)
end
