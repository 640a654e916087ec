-- audit: the one exporter of a partition takes its next events.
--
-- KEYS[1] the stream
-- ARGV[3..] partition, who asks, ms they keep the partition for themselves, most events, a seed
-- Returns {"held"} while another exporter has the partition, or
--   {"taken", number and sum of the last record, seed, ms when that was kept, missed, {entry, {field, value, ...}}, ...}.
--   What was taken before and not finished comes again, with the seed it had.

-- include clock
-- include listening

local p, holder, lease, most, seed = unpack(ARGV, 3, 7)
local key = audit_key(p)
local f = call('HMGET', key, 'by', 'till', 'seq', 'sum', 'seed', 'missed', 'at')
if f[1] and f[1] ~= holder and tonumber(f[2]) > NOW then return {'held'} end

-- What was trimmed before there was an exporter is not missed.
if call('HEXISTS', key, 'base') == 0 and call('EXISTS', KEYS[1]) == 1 then
  call('HSET', key, 'base', trimmed_of(KEYS[1]) or 0)
end
local heard = hear(KEYS[1], p, 'audit', tonumber(most), 0)
local missed = tonumber(f[6] or 0) + heard[1]
if #heard > 1 or missed > 0 then
  call('HSET', key, 'by', holder, 'till', whole(NOW + lease), 'seed', f[5] or seed, 'missed', missed)
elseif f[1] ~= holder or tonumber(f[2]) - NOW < lease / 2 then -- who only looks hardly ever writes
  call('HSET', key, 'by', holder, 'till', whole(NOW + lease))
end
heard[1] = missed
return {'taken', f[3] or '0', f[4] or '', f[5] or seed, tonumber(f[7] or 0), unpack(heard)}
