-- backlog.lua: how many of a partition's events no exporter has had kept yet;
-- nothing where Redis, before 7, does not count what it trims.
local function backlog(p)
  local stream = events_key(p)
  if call('EXISTS', stream) == 0 then return 0 end
  local s = {}
  local info = call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do s[info[i]] = info[i + 1] end
  if not s['entries-added'] then return nil end
  local f = call('HMGET', audit_key(p), 'base', 'kept', 'gone')
  if not f[1] then return s['length'] end
  return s['entries-added'] - f[1] - (f[2] or 0) - (f[3] or 0)
end
