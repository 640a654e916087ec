-- told: an event that is about no verification.
--
-- KEYS[1] the stream   ARGV[3] partition, ARGV[4..] names and values
-- Returns {}.

-- include clock
-- include tell

tell(unpack(ARGV, 3))
return {}
