-- admit: may a code go to this recipient too, who did not ask for it? Then its
-- limits are charged, as for a start.
--
-- KEYS[1] the recipient's cooldown in the namespace
-- ARGV[3..] partition, namespace, identity and limit fingerprints, channel, what names it in a cooldown,
--   cooldown, all_cooldown, daily, all_daily, how many buckets, and of each its name, key, most, interval in ms and cost
-- Returns {"ok"}, also if it was asked before for this send, or {which limit, or the bucket's name}.

-- include clock
-- include record
-- include limits

local p, ns, identity, limit, channel, by = unpack(ARGV, 3, 8)
local pause, all_pause, daily, all_daily = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
if string.find(identity, ' ', 1, true) then
  -- include adopt
  adopt(p, ns, identity, limit, '')
  identity, limit = string.match(identity, '^%S+'), string.match(limit, '^%S+')
end
local all_pauses = state_key('all', 'cooldown', p, limit)
local own_quota, all_quota = state_key(ns, 'daily', p, limit), state_key('all', 'daily', p, limit)

local read = call('MGET', KEYS[1], all_pauses, own_quota, all_quota,
  state_key(ns, 'lock', p, identity), state_key('all', 'suppress', p, identity .. ':' .. channel))
local own_until, own_by = read_cooldown(read[1])
local all_until, all_by = read_cooldown(read[2])
if own_by == by or all_by == by then return {'ok'} end

if read[5] and tonumber(string.match(read[5], '%d+')) > NOW then return {'lock'} end
if read[6] and tonumber(read[6]) > NOW then return {'suppressed'} end
if own_until > NOW or all_until > NOW then return {'cooldown'} end
local own_start, own_used, own_given = read_quota(read[3])
local all_start, all_used, all_given = read_quota(read[4])
if own_used >= daily or all_used >= all_daily then return {'daily'} end

if ARGV[13] ~= '0' then
  -- include bucket
  local all = buckets(13)
  local full = fullest(all)
  if full then return {full.name} end
  for _, b in ipairs(all) do fill(b) end
end

charge(own_quota, own_start == 0 and NOW or own_start, own_used + 1, own_given)
charge(all_quota, all_start == 0 and NOW or all_start, all_used + 1, all_given)
if pause > 0 then call('SET', KEYS[1], whole(NOW + pause) .. ' ' .. by, 'PX', whole(pause + GRACE)) end
if all_pause > 0 then call('SET', all_pauses, whole(NOW + all_pause) .. ' ' .. by, 'PX', whole(all_pause + GRACE)) end
return {'ok'}
