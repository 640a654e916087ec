-- listen: hand the events of a partition to a group.
--
-- KEYS[1] the stream
-- ARGV[3..] partition, most, ms after which what somebody took and did not finish is left, group
-- Returns {missed, {entry, {field, value, ...}}, ...}, what was left first.

local call = redis.call

-- include listening

return hear(KEYS[1], ARGV[3], ARGV[6], tonumber(ARGV[4]), ARGV[5])
