-- settle: a code has expired; what was not sent ends, with its refund.
--
-- KEYS[1] the verification   ARGV[3..] partition, id
-- Returns {1} if the verification expired now, else {0}.

-- include clock
-- include record
-- include sends
-- include limits
-- include ending

local p, id = unpack(ARGV, 3, 4)
local v = find(p, id)
if not v or v.st ~= 'pending' then
  call('ZREM', due_key(p), id .. '/0')
  return {0}
end
if v.exp > NOW then
  due_at(v, 0, v.exp)
  return {0}
end
finish(v, 'expired', 'expired')
commit(v)
return {1}
