-- witness: write down that somebody saw what few may see.
--
-- KEYS[1] the verification   ARGV[3..] partition, id, what they did, who, why
-- Returns {1}, or {} if there is no such verification.

-- include clock
-- include record

local p, id, what, actor, reason = unpack(ARGV, 3, 7)
local v = find(p, id)
if not v then return {} end
told_act(v, what, actor, reason)
return {1}
