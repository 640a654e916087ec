-- audited: the exporter of a partition has had its events kept.
--
-- KEYS[1] the stream
-- ARGV[3..] partition, who it is, number and sum of the last record, how many missed events it has told of, then the entries
-- Returns {1}, or {} if the partition is another one's by now: then nothing is finished.

-- include clock

local p, holder, seq, sum, told = unpack(ARGV, 3, 7)
local key = audit_key(p)
if call('HGET', key, 'by') ~= holder then return {} end
call('HSET', key, 'seq', seq, 'sum', sum, 'at', NOW_TEXT)
if told ~= '0' then
  call('HINCRBY', key, 'missed', '-' .. told)
  call('HINCRBY', key, 'gone', told)
end
call('HDEL', key, 'seed')
if #ARGV > 7 then
  call('XACK', KEYS[1], 'audit', unpack(ARGV, 8))
  call('HINCRBY', key, 'kept', #ARGV - 7)
end
return {1}
