-- standings: how the providers stand.
--
-- KEYS[1] any provider   ARGV[3..] their keys
-- Returns the time, then of each its fields and values.

-- include clock

local all = {NOW}
for i = 3, #ARGV do all[#all + 1] = call('HGETALL', ARGV[i]) end
return all
