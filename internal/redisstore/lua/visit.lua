-- visit: whose a visit is. It is over at its end, or after so long without a click.
--
-- KEYS[1] the visit   ARGV[3..] ms without a click, 1 if this is one
-- Returns {who, role, namespaces, way, mark, end} or {}.

-- include clock

local idle, click = tonumber(ARGV[3]), ARGV[4]
local f = call('HMGET', KEYS[1], 'who', 'role', 'namespaces', 'way', 'mark', 'until', 'seen')
if not f[1] then return {} end
local over = tonumber(f[6])
if over <= NOW or tonumber(f[7]) + idle <= NOW then
  call('DEL', KEYS[1])
  return {}
end
if click == '1' then
  call('HSET', KEYS[1], 'seen', NOW_TEXT)
  call('PEXPIRE', KEYS[1], ttl(math.min(over, NOW + idle)))
end
return {f[1], f[2], f[3], f[4], f[5], over}
