-- allowance: what a recipient may do now.
--
-- KEYS[1] the recipient's lock
-- ARGV[3..] partition, namespace, identity and limit fingerprints, binding
-- Returns {now, locked until, no texts until, no mails until, next send at, used of the namespace's quota, its reset,
--   used of all namespaces' quota, its reset}, each 0 where there is nothing.

-- include clock
-- include record
-- include limits
-- include adopt

local p, ns, identity, limit, b = unpack(ARGV, 3, 7)
if string.find(identity, ' ', 1, true) then
  adopt(p, ns, identity, limit, b)
  identity, limit = string.match(identity, '^%S+'), string.match(limit, '^%S+')
end
local read = call('MGET', state_key(ns, 'lock', p, owner(identity, b)),
  state_key('all', 'suppress', p, identity .. ':sms'), state_key('all', 'suppress', p, identity .. ':email'),
  state_key(ns, 'cooldown', p, limit), state_key('all', 'cooldown', p, limit),
  state_key(ns, 'daily', p, limit), state_key('all', 'daily', p, limit))

local function ahead(text)
  local at = tonumber(text and string.match(text, '%d+') or 0)
  return at > NOW and at or 0
end

local own_start, own_used = read_quota(read[6])
local all_start, all_used = read_quota(read[7])
return {NOW, ahead(read[1]), ahead(read[2]), ahead(read[3]), math.max(ahead(read[4]), ahead(read[5])),
  own_used, own_start > 0 and own_start + DAY or 0, all_used, all_start > 0 and all_start + DAY or 0}
