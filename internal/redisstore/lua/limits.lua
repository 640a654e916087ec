-- limits.lua: a quota record is "start used refunds" of a window of 24 h from its
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
  call('SET', key, whole(start) .. ' ' .. whole(used) .. ' ' .. whole(given), 'PX', ttl(start + DAY))
end

local function read_cooldown(c)
  if not c then return 0, '' end
  local deadline, by = string.match(c, '(%d+) (%S+)')
  return tonumber(deadline), by
end
