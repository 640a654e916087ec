-- remember: what a request was answered. A run that took too long and lost the
-- request to another keeps nothing; the other's answer is the same.
--
-- KEYS[1] the request   ARGV[3..] mark, run, answer

-- include clock

local mark, run, answer = unpack(ARGV, 3, 5)
local held = call('GET', KEYS[1])
if held and string.find(held, mark .. ' ' .. run .. ' ', 1, true) == 1 then
  call('SET', KEYS[1], mark .. ' kept ' .. answer, 'PX', DAY)
end
return {}
