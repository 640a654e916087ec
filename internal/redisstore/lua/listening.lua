-- listening.lua: what a group hears of a partition's events.

local ANYBODY = 'worker' -- one name for all: whom an entry was handed to does not matter, only when

-- XINFO's lists of names and values.
local function named(list)
  local all = {}
  for i = 1, #list, 2 do all[list[i]] = list[i + 1] end
  return all
end

-- How many events a stream has lost at its beginning; Redis 6 does not say.
local function trimmed_of(stream)
  local s = named(call('XINFO', 'STREAM', stream))
  return s['entries-added'] and s['entries-added'] - s['length']
end

-- hear takes up to so many events: first those that somebody took and has left
-- unfinished for so many ms, then new ones. Returns {missed, {entry, {field, value, ...}}, ...}.
local function hear(stream, p, group, most, idle)
  if call('EXISTS', stream) == 0 then return {0} end
  local known = false
  for _, g in ipairs(call('XINFO', 'GROUPS', stream)) do known = known or named(g).name == group end

  local heard, trimmed = heard_key(p, group), trimmed_of(stream)
  local before = trimmed and tonumber(call('GET', heard))
  local index = before or trimmed
  if not known then
    call('XGROUP', 'CREATE', stream, group, '0')
    index = trimmed
  end
  local missed = 0
  if trimmed and trimmed > index then missed, index = trimmed - index, trimmed end

  local out = {missed}
  local function add(entries)
    for _, e in ipairs(entries) do
      if e then out[#out + 1] = e end -- Redis 6 shows false where an entry was trimmed
    end
  end
  local left = call('XAUTOCLAIM', stream, group, ANYBODY, idle, '0', 'COUNT', most)
  add(left[2])
  out[1] = out[1] + (left[3] and #left[3] or 0)
  if #left[2] < most then
    local new = call('XREADGROUP', 'GROUP', group, ANYBODY, 'COUNT', most - #left[2], 'STREAMS', stream, '>')
    if new then
      add(new[1][2])
      index = index and index + #new[1][2]
    end
  end
  if index ~= before then call('SET', heard, index) end -- who only looks writes nothing
  return out
end
