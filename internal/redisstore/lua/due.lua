-- due: what the watch has to look after now. Each is put off a little, so that
-- the workers do not all ring for it, and the longer the more often it was rung.
--
-- KEYS[1] the due index   ARGV[3..] partition, how many at the most
-- Returns pairs: a verification's id and "" to settle it, or a send's order and
--   "channel claims" to ring for it.

-- include clock
-- include record
-- include sends

local p, most = unpack(ARGV, 3, 4)
local found = {}
for _, member in ipairs(call('ZRANGEBYSCORE', KEYS[1], '-inf', NOW, 'LIMIT', 0, most)) do
  local id, n = string.match(member, '(%S+)/(%d+)')
  local v = find(p, id)
  local s = v and n ~= '0' and send(v, n)
  if n == '0' and v then
    call('ZADD', KEYS[1], whole(NOW + 2000), member)
    found[#found + 1] = id
    found[#found + 1] = ''
  elseif s and (s.st == 'queued' or s.st == 'accepted' and s.ask) then
    local rung = call('HINCRBY', v.key, 'r' .. n, 1)
    call('ZADD', KEYS[1], NOW + 1000 * math.min(2 ^ rung, 16), member)
    found[#found + 1] = member
    found[#found + 1] = s.ch .. ' ' .. s.k
  else
    call('ZREM', KEYS[1], member)
  end
end
return found
