-- standing: what all workers shall know of a provider: a field of its record,
-- "until what", with until 0 for what an operator has to take back.
--
-- KEYS[1] the provider
-- ARGV[3..] field, ms it holds, 0 until it is taken back, -1 to take it back now (all fields if it is ""), what,
--   and of an operator's order its event, the provider, who gave it, why
-- Returns {}. What holds longer already stays.

-- include clock
-- include tell

local field, ms, what, kind, provider, actor, reason = unpack(ARGV, 3, 9)
ms = tonumber(ms)

if ms < 0 then
  if field == '' then call('DEL', KEYS[1]) else call('HDEL', KEYS[1], field) end
elseif ms == 0 then
  call('HSET', KEYS[1], field, '0 ' .. NOW_TEXT .. ' ' .. what)
else
  local held = tonumber(string.match(call('HGET', KEYS[1], field) or '', '^%d+') or 0)
  if NOW + ms > held then call('HSET', KEYS[1], field, whole(NOW + ms) .. ' ' .. NOW_TEXT .. ' ' .. what) end
end
if kind then
  tell('00', 'type', kind, 'provider', provider, 'actor', actor, 'reason', reason)
end
return {}
