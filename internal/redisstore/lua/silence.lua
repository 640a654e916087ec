-- silence: nothing is sent to a recipient on a channel for a while.
--
-- KEYS[1] the suppression   ARGV[3] ms

-- include clock

call('SET', KEYS[1], whole(NOW + ARGV[3]), 'PX', whole(ARGV[3] + GRACE))
return {}
