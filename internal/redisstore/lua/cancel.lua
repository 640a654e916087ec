-- cancel: the caller no longer wants the code to be of use.
--
-- KEYS[1] the verification   ARGV[3..] partition, id, who of the staff does it or "", why
-- Returns {"canceled"}, also if it was before; {"finished"} if it ended otherwise; {"none"}.

-- include clock
-- include record
-- include sends
-- include limits
-- include ending

local p, id, actor, reason = unpack(ARGV, 3, 6)
local v = find(p, id)
if not v then return {'none'} end
if v.st == 'canceled' then return {'canceled'} end
if v.st ~= 'pending' or v.exp <= NOW then return {'finished'} end
if actor ~= '' then act(v, 'withdrawn', actor, reason) end
finish(v, 'canceled', 'canceled')
commit(v)
return {'canceled'}
