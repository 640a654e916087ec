-- unblock: an operator lets texts go to a range again, and what was counted there is
-- forgotten.
--
-- KEYS[1] the range   ARGV[3..] its name, who does it, why
-- Returns {1} if there was anything, else {0}.

-- include clock
-- include tell

local name, actor, reason = unpack(ARGV, 3, 5)
local there = call('DEL', KEYS[1])
tell('00', 'type', 'range.unblocked', 'actor', actor, 'reason', name .. ': ' .. reason)
return {there}
