-- rest: the holder of a send puts it down, for a while or for good.
--
-- KEYS[1] the verification
-- ARGV[3..] partition, id, n, holder, reason or "", ms until the next try or -1 if nothing
--   better is to be expected, least life left
-- Returns {"open"} if it is to be tried again, or {"closed", state}.

-- include clock
-- include record
-- include sends
-- include limits
-- include ending

local p, id, n, holder, reason, pause, least = unpack(ARGV, 3, 9)
n, pause, least = tonumber(n), tonumber(pause), tonumber(least)

local v = find(p, id)
local s = v and send(v, n)
if not s or s.st ~= 'queued' then return {'closed', s and s.st or ''} end
if s.by ~= holder then return {'open'} end

local news = reason ~= '' and s.why ~= reason -- said once, however often it is found
if news then s.why = reason end
if v.st ~= 'pending' or n < v.n then
  abandon(v, n, s, v.st == 'canceled' and 'canceled' or v.st == 'expired' and 'expired' or 'superseded')
elseif pause < 0 or v.exp - NOW - pause < least then
  abandon(v, n, s, 'expired')
else
  if news then note_send(v, n, 'waiting', nil, reason) end
  -- A receipt may still say what became of the last attempt: nobody takes the send
  -- before, also not a task that asynq has run again.
  local last = s.a[#s.a]
  local silent = last and last.st == 'unknown'
  s.by, s.lease = silent and '-' or nil, silent and NOW + pause or nil
  save(v, n, s)
  due_at(v, n, NOW + pause + 2000) -- asynq brings it first; the watch if that fails
end
commit(v)
if s.st == 'queued' then return {'open'} end
return {'closed', s.st}
