-- unlock: an operator lets a recipient try again. Cooldowns and quotas stay.
--
-- KEYS[1] the recipient's lock
-- ARGV[3..] partition, namespace, identity and limit fingerprints, binding, who does it, why, anchor
-- Returns {1} if there was anything to clear, else {0}.

-- include clock
-- include record
-- include adopt

local p, ns, identity, limit, b, actor, reason, anchor = unpack(ARGV, 3, 10)
if string.find(identity, ' ', 1, true) then
  adopt(p, ns, identity, limit, b)
  identity = string.match(identity, '^%S+')
end
local who = owner(identity, b)
local cleared = call('DEL', state_key(ns, 'lock', p, who), state_key(ns, 'fails', p, who))
local v = newest(p, ns, identity, b)
tell(p, 'type', 'recipient.unlocked', 'ns', ns, 'an', anchor, 'to', v and v.m or '', 'actor', actor, 'reason', reason)
if v then
  note(v, 'unlocked', actor)
  commit(v)
end
return {cleared > 0 and 1 or 0}
