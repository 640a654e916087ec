-- clock.lua: the time, and how numbers and lists are written.
--
-- ARGV[1] offset of the clock in ms, ARGV[2] what an event needs, see tell.lua.

local call = redis.call

local DAY = 86400000       -- ms
local GRACE = 60000        -- ms a key outlives its deadline: deadlines are compared, TTLs collect garbage

-- Redis writes a number it is given with 17 digits, slowly, and Lua one that it
-- joins to a text not much faster; a whole one is better handed over as text.
local function whole(n)
  if n >= 0 and n < 10 then return string.char(48 + n) end
  return string.format('%d', n)
end

-- Redis' own time in ms, so that no two processes disagree about it.
local NOW = call('TIME')
NOW = NOW[1] * 1000 + math.floor(NOW[2] / 1000) + ARGV[1]
local NOW_TEXT = whole(NOW)

local function ttl(deadline) return whole(math.max(1, deadline - NOW) + GRACE) end

local function words(s)
  local list = {}
  for w in string.gmatch(s, '%S+') do list[#list + 1] = w end
  return list
end
