-- unsuppress: an operator lets messages go to a recipient again.
--
-- KEYS[1] the verification on whose page it is done
-- ARGV[3..] partition, id, identity and limit fingerprints, channel, who does it, why
-- Returns {1} if there was anything to clear, {0} if not, or {} if there is no such verification.

-- include clock
-- include record
-- include adopt

local p, id, identity, limit, channel, actor, reason = unpack(ARGV, 3, 9)
local v = find(p, id)
if not v then return {} end
if string.find(identity, ' ', 1, true) then
  adopt(p, v.ns, identity, limit, v.b)
  identity = string.match(identity, '^%S+')
  v = find(p, id)
end
local cleared = call('DEL', state_key('all', 'suppress', p, identity .. ':' .. channel))
if cleared > 0 then
  act(v, 'unsuppressed', actor, reason)
  commit(v)
end
return {cleared}
