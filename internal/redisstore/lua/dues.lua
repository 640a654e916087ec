-- dues: how much there is to look after in a partition. Nothing changes.
--
-- KEYS[1] the due index
-- Returns how many entries, how many of them are due, and for how many ms the first.

-- include clock

local first = call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local late = first[2] and NOW - tonumber(first[2]) or 0
return {call('ZCARD', KEYS[1]), call('ZCOUNT', KEYS[1], '-inf', NOW), math.max(0, math.floor(late))}
