-- session: is the token's proof good, for this namespace and recipient? And, if asked, use it up.
--
-- KEYS[1] the session   ARGV[3..] partition, namespace, anchor, consume
-- Returns {id, channel, expiry, mask} or {}.

-- include clock
-- include record

local p, ns, anchor, consume = unpack(ARGV, 3, 6)
local held = call('GET', KEYS[1])
local id, of, channel, expires, mask = string.match(held or '', '(%S+) (%S+) (%S+) (%S+) ?(%S*)')
if of ~= anchor or tonumber(expires) <= NOW then return {} end
local v = find(p, id)
local function told_of_factor(what)
  if string.sub(id, 1, 2) == 'FA' then tell(p, 'type', 'factor.' .. what, 'id', id, 'ns', ns, 'an', anchor) end
end
if consume == '1' then
  call('DEL', KEYS[1])
  if v then
    note(v, 'session_consumed')
    commit(v)
  else
    told_of_factor('session_consumed')
  end
elseif v then
  event(v, 'verification.session_introspected', '0', '0')
else
  told_of_factor('session_introspected')
end
return {id, channel, tonumber(expires), mask}
