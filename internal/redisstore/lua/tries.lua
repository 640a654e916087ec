-- tries.lua: how often somebody may try to sign in; see docs/adr/0029-tries-to-sign-in.md.
--
--   tries:name, tries:place   when the next try were free of all the ones before: the
--                             generic cell rate algorithm, a burst and then one in a while
--   tries:pair                "failed at until known": wrong tries of a name from a place, the
--                             last one, how long it is locked, and until when a right one is remembered

local PLACE_BURST, PLACE_GAP = 30, 10000   -- ms
local NAME_BURST, NAME_GAP = 20, 60000
local FREE, LOCKS = 5, {60000, 300000, 900000}
local KNOWN = 30 * DAY

local function keep(key, free) call('SET', key, whole(free), 'PX', ttl(free)) end

local function tried(key) return math.max(tonumber(call('GET', key) or 0), NOW) end

local function wait_for(key, burst, gap) return math.max(0, tried(key) + gap - NOW - burst * gap) end

local function charge_try(key, gap) keep(key, tried(key) + gap) end

local function give_back(key, gap) keep(key, math.max(NOW, tried(key) - gap)) end

local function read_pair(key)
  local failed, at, till, known = string.match(call('GET', key) or '', '(%d+) (%d+) (%d+) (%d+)')
  failed, at, till, known = tonumber(failed or 0), tonumber(at or 0), tonumber(till or 0), tonumber(known or 0)
  if at + DAY <= NOW then failed = 0 end
  return failed, till, known
end

local function keep_pair(key, failed, till, known)
  call('SET', key, table.concat({whole(failed), NOW_TEXT, whole(till), whole(known)}, ' '), 'PX', ttl(math.max(NOW + DAY, till, known)))
end
