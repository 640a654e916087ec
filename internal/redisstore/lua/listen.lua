-- listen: hand the events of a partition to a group.
--
-- KEYS[1] the stream
-- ARGV[3..] partition, most, ms after which what somebody took and did not finish is left, group
-- Returns {missed, {entry, {field, value, ...}}, ...}, what was left first.

local call = redis.call
local ANYBODY = 'worker' -- one name for all: whom an entry was handed to does not matter, only when

local p, most, idle, group = ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local stream, heard = KEYS[1], heard_key(p, group)
if call('EXISTS', stream) == 0 then return {0} end

local function named(list)
  local all = {}
  for i = 1, #list, 2 do all[list[i]] = list[i + 1] end
  return all
end

local function known()
  for _, g in ipairs(call('XINFO', 'GROUPS', stream)) do
    if named(g).name == group then return true end
  end
end

-- How many events the stream has lost at its beginning; Redis 6 does not say.
local s = named(call('XINFO', 'STREAM', stream))
local trimmed = s['entries-added'] and s['entries-added'] - s['length']
local index = trimmed and tonumber(call('GET', heard) or trimmed)
if not known() then
  call('XGROUP', 'CREATE', stream, group, '0')
  index = trimmed
end

local missed = 0
if trimmed and trimmed > index then
  missed, index = trimmed - index, trimmed
end

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
if index then call('SET', heard, index) end
return out
