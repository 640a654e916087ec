-- recall: a request that its caller may send again, by the name it was given.
--
-- KEYS[1] the request   ARGV[3..] mark, run, ms a run may take
-- Returns {"new"} to the run that may go on, {"kept", answer}, {"flight"} while
--   another run is under way, {"reused"} if the name was another request's.

-- include clock

local mark, run, most = unpack(ARGV, 3, 5)
local held = call('GET', KEYS[1])
if held then
  local was, by, rest = string.match(held, '^(%S+) (%S+) (.*)$')
  if was ~= mark then return {'reused'} end
  if by == 'kept' then return {'kept', rest} end
  if by ~= run and tonumber(rest) > NOW then return {'flight'} end
end
call('SET', KEYS[1], mark .. ' ' .. run .. ' ' .. whole(NOW + most), 'PX', DAY)
return {'new'}
