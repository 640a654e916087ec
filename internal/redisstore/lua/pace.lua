-- pace: one of the hand-overs that a provider may have in a second, shared by
-- all workers. They come evenly, with a burst of a second's (the generic cell
-- rate algorithm).
--
-- KEYS[1] the provider's pace   ARGV[3] hand-overs in a second
-- Returns {ms until there is one left}, 0 if this one may begin.

-- include clock

local gap = 1000 / ARGV[3]
local free = math.max(tonumber(call('GET', KEYS[1]) or 0), NOW)
local wait = free + gap - NOW - math.max(1000, gap)
if wait > 0 then return {math.ceil(wait)} end
call('SET', KEYS[1], string.format('%.3f', free + gap), 'PX', math.ceil(free + gap - NOW) + 1000)
return {0}
