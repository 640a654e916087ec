-- unlock: an operator lets a recipient try again. Cooldowns and quotas stay.
--
-- KEYS[1] the recipient's lock
-- ARGV[3..] partition, namespace, identity and limit fingerprints, binding, who does it, why
-- Returns {1} if there was anything to clear, else {0}.

-- include clock
-- include record
-- include adopt

local p, ns, identity, limit, b, actor, reason = unpack(ARGV, 3, 9)
if string.find(identity, ' ', 1, true) then
  adopt(p, ns, identity, limit, b)
  identity = string.match(identity, '^%S+')
end
local who = owner(identity, b)
local cleared = call('DEL', state_key(ns, 'lock', p, who), state_key(ns, 'fails', p, who))
call('XADD', events_key(p), 'MAXLEN', '~', ARGV[2], '*', 'type', 'recipient.unlocked',
  'ns', ns, 'fp', identity, 'actor', actor, 'reason', reason)
local v = newest(p, ns, identity, b)
if v then
  note(v, 'unlocked', actor)
  commit(v)
end
return {cleared > 0 and 1 or 0}
