-- withhold: the holder of a send has found a decoy in its letter. It ends as one to
-- an address that takes no messages: nothing was sent, and nothing is given back.
--
-- KEYS[1] the verification
-- ARGV[3..] partition, id, n, holder
-- Returns {1}, or {} if another one holds it by now, or it has ended.

-- include clock
-- include record
-- include sends

local p, id, n, holder = unpack(ARGV, 3, 6)
n = tonumber(n)
local v = find(p, id)
local s = v and send(v, n)
if not s or s.st ~= 'queued' or s.by ~= holder then return {} end
close(v, n, s, 'suppressed')
note_send(v, n, 'suppressed', nil, 'decoy')
commit(v)
return {1}
