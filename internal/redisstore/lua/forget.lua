-- forget: a request was refused, and is worked out anew when it comes again.
--
-- KEYS[1] the request   ARGV[3] run

local held = redis.call('GET', KEYS[1])
if held and string.match(held, '^%S+ (%S+) ') == ARGV[3] then redis.call('DEL', KEYS[1]) end
return {}
